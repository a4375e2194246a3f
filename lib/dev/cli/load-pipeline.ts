import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, MillraceError, messageOf } from '../../base/index.js'
import type { Pipeline } from '../../pipeline/index.js'

/** Imports a pipeline's file, TypeScript or JavaScript, without a build, and returns its default export. */
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
    // If the file's folder is not of type module, the file gets another copy of this package, and its errors are
    // instances of that copy's classes.
    if (error instanceof Error && error.name === 'ConfigError') throw new ConfigError('bad-pipeline', error.message)
    throw new ConfigError('bad-pipeline', `The pipeline file ${file} cannot be loaded: ${messageOf(error)}`, {
      cause: error,
    })
  }
  // The exports of a CommonJS module are its default export, and they contain the pipeline as `default`.
  const exported = loaded.default as Partial<Pipeline> & { default?: Pipeline }
  const pipeline = exported?.kind === 'pipeline' ? (exported as Pipeline) : exported?.default
  if (pipeline?.kind === 'pipeline') return pipeline
  throw new ConfigError(
    'bad-pipeline',
    `The file ${file} must have a pipeline as its default export: export default pipeline('name', p => ...).`,
  )
}

async function registerTypeScript(): Promise<void> {
  try {
    // A project may use either kind of module, and so may its pipeline's file.
    const [cjs, esm] = await Promise.all([import('tsx/cjs/api'), import('tsx/esm/api')])
    cjs.register()
    esm.register()
  } catch (error) {
    throw new ConfigError(
      'missing-package',
      `Running a TypeScript pipeline requires the package tsx: npm install tsx. (${messageOf(error)})`,
    )
  }
}
