import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Metafile } from 'esbuild'
import { type BundleOptions, bundleHandler } from '../infra/constructs/bundle.js'

/**
 * What a function loads at startup: without a store, and without what it imports on demand. Checked by --check. What
 * runs keyed state is imported on demand; its declarations and their messages are part of this.
 */
export const BUDGET = { bytes: 170 * 1024, modules: 150 }
/** With the DynamoDB store, as the first invocation needs it. Checked by --check. */
const STORE_BUDGET = { bytes: 450 * 1024, modules: 530 }
/**
 * Everything that is deployed for a pipeline with every kind of source and sink: a client is loaded when it is first
 * used. Checked by --check.
 */
const DEPLOYED_BUDGET = { bytes: 1_080 * 1024, modules: 1_170 }
const FUNCTIONS: readonly string[] = ['functions/ingest.ts', 'functions/advance.ts', 'functions/tick.ts']

export interface BundleSize {
  readonly bytes: number
  readonly modules: number
}

export interface BuiltFunction extends BundleSize {
  readonly name: string
  /**
   * What Lambda unpacks as the task root: it contains `index.mjs`, whose export `handler` is the handler, and the files
   * that it imports.
   */
  readonly directory: string
  readonly hasSdk: boolean
  /** The part of it that is loaded with the function itself. */
  readonly core: BundleSize
  /** The same with the DynamoDB store. */
  readonly withStore: BundleSize
}

/** The size of the ingest function without a store. */
export async function bundle(): Promise<BundleSize> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bundle-'))
  try {
    return (await bundleFunctions(directory, { entries: [FUNCTIONS[0]!] }))[0]!.core
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Bundles each entry as a deployment does, and measures what it has to load. */
export async function bundleFunctions(
  outDir: string,
  { entries = FUNCTIONS, ...options }: BundleOptions & { readonly entries?: readonly string[] } = {},
): Promise<BuiltFunction[]> {
  return entries.map((entry) => {
    const name = basename(entry, '.ts')
    const { directory, metafile } = bundleHandler(entry, options, join(outDir, name))
    const { outputs } = metafile
    const hasSdk = Object.keys(metafile.inputs).some((input) => input.includes('node_modules/@aws-sdk/client-'))
    const ofEntry = (inputs: readonly string[]): string[] =>
      Object.keys(outputs).filter((path) => inputs.includes(outputs[path]!.entryPoint ?? ''))
    const core = sizeOf(outputs, loadedWith(outputs, ofEntry([entry])))
    const withStore = sizeOf(outputs, loadedWith(outputs, ofEntry([entry, ...DYNAMODB_STORE])))
    return { name, directory, ...sizeOf(outputs, Object.keys(outputs)), hasSdk, core, withStore }
  })
}

type Outputs = Metafile['outputs']

const DYNAMODB_STORE = ['lib/state/dynamodb/index.ts', 'lib/state/dynamodb/store.ts']

/** These files and everything that they import statically; dynamic imports are not included. */
function loadedWith(outputs: Outputs, first: readonly string[]): string[] {
  const loaded = new Set(first)
  for (const path of loaded) {
    for (const { path: next, kind } of outputs[path]!.imports)
      if (kind === 'import-statement' && next in outputs) loaded.add(next)
  }
  return [...loaded]
}

function sizeOf(outputs: Outputs, paths: readonly string[]): BundleSize {
  const of = paths.map((path) => outputs[path]!)
  return {
    bytes: of.reduce((sum, { bytes }) => sum + bytes, 0),
    modules: of.reduce((sum, { inputs }) => sum + Object.keys(inputs).length, 0),
  }
}

if (process.argv[1]?.endsWith('bundle.ts')) {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bundle-'))
  try {
    for (const built of await bundleFunctions(directory)) {
      const figures = [
        { label: 'without a store', size: built.core, budget: BUDGET },
        { label: 'with the DynamoDB store', size: built.withStore, budget: STORE_BUDGET },
        { label: 'as deployed, with all clients', size: built, budget: DEPLOYED_BUDGET },
      ]
      for (const { label, size, budget } of figures) {
        const { bytes, modules } = size
        console.log(
          `${built.name} ${label}: ${bytes} bytes of ${budget.bytes}, ${modules} modules of ${budget.modules}`,
        )
        if (!process.argv.includes('--check') || (bytes <= budget.bytes && modules <= budget.modules)) continue
        console.error(
          'The bundle exceeds its budget. Find out what was added with: npx esbuild functions/ingest.ts --bundle --splitting --format=esm --outdir=/tmp/bundle --platform=node --external:lmdb --analyze',
        )
        process.exitCode = 1
      }
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
