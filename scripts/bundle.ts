import { build } from 'esbuild'

/** Bytes and modules of the ingest handler's bundle, without store adapters: what Lambda loads before it can do anything. Gated by --check. */
export const BUDGET = { bytes: 120 * 1024, modules: 100 }

export async function bundle(entry = 'functions/ingest.ts'): Promise<{ bytes: number; modules: number }> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    metafile: true,
    // The store is an adapter of its own, with a budget of its own.
    external: ['lmdb', '*/state/lmdb/index.js', '*/state/memory/index.js'],
    logLevel: 'error',
  })
  const [output] = Object.values(result.metafile.outputs)
  return { bytes: output!.bytes, modules: Object.keys(output!.inputs).length }
}

if (process.argv[1]?.endsWith('bundle.ts')) {
  const { bytes, modules } = await bundle()
  console.log(
    `ingest handler without a store: ${bytes} bytes of ${BUDGET.bytes}, ${modules} modules of ${BUDGET.modules}`,
  )
  if (process.argv.includes('--check') && (bytes > BUDGET.bytes || modules > BUDGET.modules)) {
    console.error(
      'The bundle is over its budget. Find what was added with: npx esbuild functions/ingest.ts --bundle --platform=node --analyze',
    )
    process.exitCode = 1
  }
}
