import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as Esbuild from 'esbuild'
import { ConfigError, messageOf } from '../../lib/base/index.js'
import { wantedByUser } from './user-code.js'

export interface BundleOptions {
  /**
   * Packages that Millrace never loads here: a source or a sink that the pipeline does not have. What other code
   * imports is inside all the same.
   */
  readonly absent?: readonly string[]
  /** Files and folders that are copied beside the handler, each under its own name. */
  readonly assets?: readonly string[]
  /** Keeps every way of the SDK to find credentials, to see what it costs. */
  readonly allCredentials?: boolean
}

export interface Bundle {
  /**
   * What Lambda unpacks as the task root: it holds `index.mjs`, whose export `handler` is the handler, and the files
   * that it imports.
   */
  readonly directory: string
  readonly metafile: Esbuild.Metafile
}

/** What takes the place of the SDK's credential chain: TypeScript in the repository, JavaScript in the package. */
function credentialsFile(): string {
  const [typescript, javascript] = ['ts', 'js'].map((ending) =>
    fileURLToPath(new URL(`../../lib/lambda/credentials.${ending}`, import.meta.url)),
  )
  return existsSync(typescript!) ? typescript! : javascript!
}

/**
 * Bundles one handler as it is deployed: `index.mjs` in a folder of its own, with all that it needs but lmdb, which is
 * native. What it imports on demand are files beside it, so that only the store, the sinks and the decoders in use are
 * read: a quarter less time to load the AWS SDK than in one file. On Lambda credentials come from the environment
 * variables and nowhere else, so the SDK's other ways to find some are left out.
 */
export function bundleHandler(entry: string, options: BundleOptions, directory: string): Bundle {
  const { absent = [], assets = [] } = options
  let made = bundled(entry, options, absent, directory)
  const wanted = wantedByUser(made.metafile.inputs, absent)
  if (wanted.length > 0) {
    const rest = absent.filter((name) => !wanted.includes(name))
    made = bundled(entry, options, rest, directory)
  }
  mkdirSync(directory, { recursive: true })
  for (const { path, contents } of made.outputFiles!) writeFileSync(path, contents)
  for (const asset of assets) copyAsset(asset, directory)
  return { directory, metafile: made.metafile }
}

function bundled(
  entry: string,
  { allCredentials = false }: BundleOptions,
  absent: readonly string[],
  directory: string,
) {
  return built(entry, {
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    logLevel: 'silent',
    entryPoints: [{ in: entry, out: 'index' }],
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    splitting: true,
    // Imported on demand only: never, where there is no such source.
    external: ['lmdb', ...absent],
    // CommonJS packages (kafkajs) load parts of Node by require, which an ES module does not have.
    banner: { js: "import{createRequire as r$}from'node:module';const require=r$(import.meta.url);" },
    alias: allCredentials ? {} : { '@aws-sdk/credential-provider-node': credentialsFile() },
    write: false,
  })
}

function copyAsset(asset: string, directory: string): void {
  const target = join(directory, basename(resolve(asset)))
  if (!existsSync(asset))
    throw new ConfigError(
      'no-asset',
      `assets names ${asset}, which is not there. Give files or folders by their path from where the CDK runs.`,
    )
  if (existsSync(target))
    throw new ConfigError(
      'no-asset',
      `assets names ${asset}, and the folder of the handler has a ${basename(target)} already. Give each file and folder a name of its own.`,
    )
  cpSync(asset, target, { recursive: true, dereference: true })
}

/**
 * What the bundler says of a package that is not there names it, and it is the pipeline's sources and sinks that need
 * it.
 */
function built(entry: string, options: Esbuild.BuildOptions): Esbuild.BuildResult<{ metafile: true }> {
  try {
    return esbuild().buildSync({ ...options, metafile: true })
  } catch (error) {
    const { errors = [] } = error as Partial<Esbuild.BuildFailure>
    const texts = errors.map(({ text, location }) => (location ? `${location.file}:${location.line}: ${text}` : text))
    const missing = texts.flatMap((text) => /Could not resolve "([^"./][^"]*)"/.exec(text)?.[1] ?? [])
    if (missing.length > 0)
      throw new ConfigError(
        'missing-package',
        `${entry} of this pipeline needs what is not installed: npm install ${[...new Set(missing)].join(' ')}`,
      )
    if (texts.length === 0) throw error
    throw new ConfigError('bad-bundle', `${entry} cannot be bundled: ${texts.join('; ')}`)
  }
}

function esbuild(): typeof Esbuild {
  try {
    return createRequire(import.meta.url)('esbuild')
  } catch (error) {
    throw new ConfigError(
      'missing-package',
      `Functions are bundled by esbuild, which cannot be loaded (${messageOf(error)}). Install it: npm install --save-dev esbuild`,
    )
  }
}
