import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** What processes that tests start are made of. */
const SOURCES = ['lib', 'infra', 'examples/flights', 'test/sinks', 'test/state', 'test/lambda', 'test/volume', 'bench']

/**
 * The sources as JavaScript, file by file as they are, once for a run: else each process that a test starts compiles
 * and looks up all that it loads anew.
 */
export async function buildSources(folder: string): Promise<void> {
  const entryPoints = SOURCES.flatMap((source) =>
    readdirSync(join(ROOT, source), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(ROOT, source, file)),
  )
  mkdirSync(folder, { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  symlinkSync(resolve(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await build({
    entryPoints,
    outdir: folder,
    outbase: ROOT,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  })
}
