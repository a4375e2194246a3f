import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as Esbuild from 'esbuild'
import { ConfigError, messageOf } from '../../lib/base/index.js'
import { wantedByUser } from './user-code.js'

export interface BundleOptions {
  /**
   * Packages that Millrace never loads for this pipeline, because it has no such source or sink. A package that the
   * user's code imports is bundled anyway.
   */
  readonly absent?: readonly string[]
  /** Files and folders that are copied next to the handler, each under its own name. */
  readonly assets?: readonly string[]
  /** Keeps the SDK's whole credential provider chain, to measure what it costs. */
  readonly allCredentials?: boolean
}

export interface Bundle {
  /**
   * The folder that Lambda unpacks as the task root. It holds `index.mjs`, whose export `handler` is the handler, and
   * the files that it imports.
   */
  readonly directory: string
  readonly metafile: Esbuild.Metafile
}

/** The replacement for the SDK's credential provider chain: TypeScript in the repository, JavaScript in the package. */
function credentialsFile(): string {
  const [typescript, javascript] = ['ts', 'js'].map((ending) =>
    fileURLToPath(new URL(`../../lib/lambda/credentials.${ending}`, import.meta.url)),
  )
  return existsSync(typescript!) ? typescript! : javascript!
}

/**
 * Bundles one handler for deployment: `index.mjs` in a folder of its own, with all that it needs except lmdb, which is
 * native. Modules that it imports on demand are separate files, so that only the store, the sinks and the decoders in
 * use are read. Loading the AWS SDK takes a quarter less time than from one file. On Lambda, credentials always come
 * from environment variables, so the SDK's other credential providers are left out.
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
    // These are only imported on demand, which never happens if there is no such source.
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
      `assets names ${asset}, which does not exist. Give files or folders by their path from the directory in which the CDK runs.`,
    )
  if (existsSync(target))
    throw new ConfigError(
      'no-asset',
      `assets names ${asset}, but the folder of the handler already has a ${basename(target)}. Give each file and folder a name of its own.`,
    )
  cpSync(asset, target, { recursive: true, dereference: true })
}

/** Runs esbuild. If a package is missing, which the pipeline's sources and sinks need, the error names it. */
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
        `${entry} of this pipeline needs packages that are not installed: npm install ${[...new Set(missing)].join(' ')}`,
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
