import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../base/index.js'

const NAME = 'millrace'
/**
 * What npm takes from a registry: a range of versions or a tag, or the same under another name. All else has a scheme,
 * a path or an owner in it, or is a file.
 */
const OF_A_REGISTRY = /^(?:npm:[^:]+|(?!.*\.t(?:ar\.)?gz$)[^/:]*)$/

export interface OwnPackage {
  /** What a package.json has to ask for. */
  readonly version: string
  /** The tarball that this is, in the folder. */
  readonly file?: string
}

/** Where package.json is: above the sources in the repository, above dist in the package. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

/** The version that this is. */
export function ownVersion(): string {
  return manifestOf(packageFolder()).version
}

/**
 * How a project in `directory` gets the very package that this code runs from. If whoever installed it asked a registry
 * for it, by its version. Otherwise nobody knows whether that version is published anywhere: it is packed into the
 * folder, and the project asks for that file.
 */
export function ownPackage(directory: string): OwnPackage {
  const folder = packageFolder()
  const { version } = manifestOf(folder)
  const asked = specOf(folder)
  if (asked !== undefined && OF_A_REGISTRY.test(asked)) return { version: `^${version}` }
  pack(folder, resolve(directory))
  const file = `${NAME}-${version}.tgz`
  return { version: `file:${file}`, file }
}

/**
 * What the project that has this package in its node_modules asks for. Undefined for a clone, and for what is installed
 * globally.
 */
function specOf(folder: string): string | undefined {
  if (!/[\\/]node_modules[\\/]/.test(folder)) return undefined
  for (let at = dirname(folder); at !== dirname(at); at = dirname(at)) {
    const manifest = existsSync(join(at, 'package.json')) ? manifestOf(at) : undefined
    const spec = manifest?.dependencies?.[NAME] ?? manifest?.devDependencies?.[NAME]
    if (typeof spec === 'string') return spec
  }
  return undefined
}

function pack(folder: string, target: string): void {
  // A clone is built first; what is installed is built.
  const isClone = existsSync(join(folder, 'tsconfig.build.json'))
  const args = [...(isClone ? ['run', 'package', '--'] : ['pack', '--ignore-scripts']), '--pack-destination', target]
  const { status, error, stderr, stdout } = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status === 0) return
  throw new ConfigError(
    'not-packed',
    `The project is to have the package that this command runs from, and "npm ${args.join(' ')}" fails in ${folder}: ${(error?.message ?? `${stderr}${stdout}`).trim()}. Mend that, or give --millrace what package.json shall ask for.`,
  )
}

interface Manifest {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
