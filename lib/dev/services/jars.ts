import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../base/index.js'
import { execute, must } from './execute.js'

/** The artifacts of a Java service on Maven Central, and the versions that they need to resolve. */
export interface Artifacts {
  readonly name: string
  readonly dependencies: readonly string[]
  /** Bills of materials, imported before the dependencies are resolved. */
  readonly boms?: readonly string[]
  /** A class of this package that is compiled against them. */
  readonly source?: { readonly className: string; readonly text: string }
}

/** Where downloaded jars are kept: `MILLRACE_CACHE`, otherwise the user's cache folder. */
const cacheFolder = (): string =>
  process.env.MILLRACE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace')

let missing: Promise<string | undefined> | undefined

/** What Java services lack on this machine, as a sentence; undefined if nothing is missing. */
export function missingJava(): Promise<string | undefined> {
  missing ??= Promise.all([works('java', '-version'), works('mvn', '-v')]).then(([java, maven]) =>
    java && maven
      ? undefined
      : `${[!java && 'Java (a JDK, 17 or later)', !maven && 'Maven'].filter(Boolean).join(' and ')} cannot be run: install what is missing and put it on the PATH.`,
  )
  return missing
}

async function works(command: string, ...args: readonly string[]): Promise<boolean> {
  return (await execute(command, args)).code === 0
}

/**
 * A class path of the artifacts. Maven downloads them once, and they are kept; two processes may ask at the same time.
 */
export async function classPath(artifacts: Artifacts): Promise<string> {
  const lacking = await missingJava()
  if (lacking !== undefined)
    throw new ConfigError('missing-java', `${artifacts.name} runs on Java and is downloaded by Maven. ${lacking}`)
  const pom = pomOf(artifacts)
  const version = createHash('sha256')
    .update(pom + (artifacts.source?.text ?? ''))
    .digest('hex')
    .slice(0, 12)
  const folder = join(cacheFolder(), `${artifacts.name}-${version}`)
  if (!existsSync(folder)) await fetchInto(folder, pom, artifacts)
  return `${join(folder, 'classes')}:${join(folder, 'lib')}/*`
}

async function fetchInto(folder: string, pom: string, { name, source }: Artifacts): Promise<void> {
  const partial = `${folder}.${process.pid}`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(join(partial, 'classes'), { recursive: true })
  writeFileSync(join(partial, 'pom.xml'), pom)
  const copy = ['-B', '-ntp', '-q', 'dependency:copy-dependencies', '-DoutputDirectory=lib', '-DincludeScope=runtime']
  await must(execute('mvn', copy, partial), `The jars of ${name} cannot be downloaded by Maven`)
  if (source !== undefined) {
    writeFileSync(join(partial, `${source.className}.java`), source.text)
    // The compiler's main class does not expand a wildcard, but its launcher does.
    const jars = readdirSync(join(partial, 'lib')).map((jar) => join('lib', jar))
    const compile = ['--module', 'jdk.compiler/com.sun.tools.javac.Main', '-cp', jars.join(':'), '-d', 'classes']
    await must(
      execute('java', [...compile, `${source.className}.java`], partial),
      `The starter of ${name} cannot be compiled (is this a JRE without a compiler?)`,
    )
  }
  try {
    renameSync(partial, folder)
  } catch (error) {
    // Another process was faster, with the same files.
    rmSync(partial, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}

function pomOf({ name, dependencies, boms = [] }: Artifacts): string {
  const artifact = (text: string, more = ''): string => {
    const [group, id, version] = text.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version>${more}</dependency>`
  }
  const imported = boms.map((bom) => artifact(bom, '<type>pom</type><scope>import</scope>')).join('')
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>${name}</artifactId><version>1</version><packaging>pom</packaging>
<dependencyManagement><dependencies>${imported}</dependencies></dependencyManagement>
<dependencies>${dependencies.map((dependency) => artifact(dependency)).join('')}</dependencies>
</project>
`
}
