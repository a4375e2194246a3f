import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError } from '../base/index.js'
import { type OwnPackage, ownPackage, packageFolder } from './own-package.js'

const PROJECT_NAME = /^[a-z][a-z0-9-]{0,62}$/

export interface InitOptions {
  /** The version of millrace in the project's package.json. Default: the package that this code runs from. */
  readonly version?: string
}

export interface Written {
  /** The names of the files, relative to the folder. */
  readonly files: readonly string[]
  /** The version of millrace in the project's package.json. */
  readonly version: string
}

/**
 * Writes a small, working project into a folder that is empty or does not exist: a pipeline, its functions, its stack,
 * a test and some data.
 * @throws {ConfigError} if the folder is not empty, its name is not a valid package name, or the package that this code
 * runs from cannot be packed
 */
export function init(directory: string, options: InitOptions = {}): Written {
  const name = basename(resolve(directory))
  if (!PROJECT_NAME.test(name))
    throw new ConfigError(
      'bad-name',
      `A project has the name of its folder: a lowercase letter, then up to 62 lowercase letters, digits and '-'; the folder's name is ${JSON.stringify(name)}. Use another folder.`,
    )
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new ConfigError(
      'not-empty',
      `The folder ${directory} is not empty, and init overwrites no file. Give an empty folder.`,
    )
  mkdirSync(directory, { recursive: true })
  const own: OwnPackage = options.version === undefined ? ownPackage(directory) : { version: options.version }
  const source = join(packageFolder(), 'examples', 'starter')
  const files = filesBelow(source)
  for (const file of files) {
    const text = readFileSync(join(source, file), 'utf8').replaceAll('NAME', name).replaceAll('VERSION', own.version)
    const target = join(directory, nameOf(file))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text)
  }
  return { files: [...files.map(nameOf), ...(own.file === undefined ? [] : [own.file])], version: own.version }
}

/** npm leaves files named .gitignore out of packages. */
const nameOf = (file: string): string => (file === 'gitignore' ? '.gitignore' : file)

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
