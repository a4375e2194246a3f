import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, MillraceError, messageOf } from '../../base/index.js'
import type { Pipeline } from '../../pipeline/index.js'

/** Imports a pipeline's file as it is, TypeScript or JavaScript, and takes its default export. */
export async function loadPipeline(file: string): Promise<Pipeline> {
  const path = resolve(file)
  if (!existsSync(path))
    throw new ConfigError(
      'no-pipeline',
      `The pipeline file ${file} does not exist. Give the path of a .ts or .js file.`,
    )
  let loaded: { default?: unknown }
  try {
    if (/\.[cm]?ts$/.test(path)) await registerTypeScript()
    loaded = (await import(pathToFileURL(path).href)) as { default?: unknown }
  } catch (error) {
    if (error instanceof MillraceError) throw error
    // In a folder that is not of type module the file gets a copy of this package, and the copy's errors.
    if (error instanceof Error && error.name === 'ConfigError') throw new ConfigError('bad-pipeline', error.message)
    throw new ConfigError('bad-pipeline', `The pipeline file ${file} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    })
  }
  // A CommonJS module's exports are its default, and hold the default export.
  const exported = loaded.default as Partial<Pipeline> & { default?: Pipeline }
  const pipeline = exported?.kind === 'pipeline' ? (exported as Pipeline) : exported?.default
  if (pipeline?.kind === 'pipeline') return pipeline
  throw new ConfigError(
    'bad-pipeline',
    `The file ${file} must export a pipeline by default: export default pipeline('name', p => ...).`,
  )
}

async function registerTypeScript(): Promise<void> {
  try {
    // A project may be of either kind of module, and so may its pipeline's file.
    const [cjs, esm] = await Promise.all([import('tsx/cjs/api'), import('tsx/esm/api')])
    cjs.register()
    esm.register()
  } catch (error) {
    throw new ConfigError(
      'missing-package',
      `Running TypeScript pipelines needs the package tsx: npm install tsx. (${messageOf(error)})`,
    )
  }
}
