import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../base/index.js'

const NAME = 'millrace'
/**
 * Matches a spec that npm resolves from a registry: a version range or a tag, or either of them under an alias. Other
 * specs contain a scheme, a path or an owner, or name a file.
 */
const OF_A_REGISTRY = /^(?:npm:[^:]+|(?!.*\.t(?:ar\.)?gz$)[^/:]*)$/

export interface OwnPackage {
  /** The spec for a package.json. */
  readonly version: string
  /** The packed tarball in the folder, if there is one. */
  readonly file?: string
}

/** The folder of package.json: above the sources in the repository, above dist in the package. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

/** The version of this package. */
export function ownVersion(): string {
  return manifestOf(packageFolder()).version
}

/**
 * How a project in `directory` gets the package that this code runs from. If the package was installed from a registry,
 * the project asks for the same version. Otherwise that version may not be published, so the package is packed into the
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
 * The spec of this package in the project that has it in its node_modules. Undefined for a clone and for a global
 * installation.
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
  // A clone must be built first; an installed package is already built.
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
    `The project needs the package that this command runs from, but "npm ${args.join(' ')}" failed in ${folder}: ${(error?.message ?? `${stderr}${stdout}`).trim()}. Fix that, or give --millrace the version for package.json.`,
  )
}

interface Manifest {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
