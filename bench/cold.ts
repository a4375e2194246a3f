import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import pipeline from '../examples/flights/pipeline.js'
import { bundleFunctions } from '../scripts/bundle.js'
import { median } from './drive.js'
import { flightEvents } from './flights-events.js'

export interface ColdFigures {
  readonly bundle: string
  /** From the start of the process to its first line. */
  readonly nodeMs: number
  /** The import of the bundle: Lambda's init phase. */
  readonly importMs: number
  /** The first invocation, including opening its sinks and its store. */
  readonly firstMs: number
}

const RUNS = 9
const RECORDS = 100

/**
 * Measures in a separate process: when it began, when the bundle was loaded, and when the first answer was complete.
 */
const CHILD = `import { readFileSync } from 'node:fs'
const [bundle, event] = process.argv.slice(-2)
const nodeMs = performance.now()
const { handler } = await import(bundle)
const importMs = performance.now() - nodeMs
const parsed = JSON.parse(readFileSync(event, 'utf8'))
const before = performance.now()
await handler(parsed, { getRemainingTimeInMillis: () => 60000 })
process.send([nodeMs, importMs, performance.now() - before], () => process.exit(0))`

/** Cold starts of the ingest function's bundle, with and without the AWS SDK loaded. Medians. */
export async function cold(): Promise<ColdFigures[]> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-cold-'))
  try {
    const event = join(directory, 'event.json')
    writeFileSync(event, flightEvents(pipeline, RECORDS).events[0]!.json)
    const entries = [new URL('./cold-plain.ts', import.meta.url), new URL('./cold-sdk.ts', import.meta.url)].map(
      (entry) => fileURLToPath(entry),
    )
    const bundles = await bundleFunctions(directory, { entries })
    const runs = bundles.map((): number[][] => [])
    // The bundles alternate, so that other work of the machine affects all of them equally.
    for (let run = 0; run < RUNS; run++) {
      for (const [i, built] of bundles.entries())
        runs[i]!.push(await once(join(built.directory, 'index.mjs'), event, directory))
    }
    return ['without the SDK', 'with the SDK'].map((bundle, i) => {
      const of = (column: number): number => median(runs[i]!.map((figures) => figures[column]!))
      return { bundle, nodeMs: of(0), importMs: of(1), firstMs: of(2) }
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function once(bundle: string, event: string, directory: string): Promise<number[]> {
  const args = ['--no-warnings', '--input-type=module', '--eval', CHILD, pathToFileURL(bundle).href, event]
  const child = spawn(process.execPath, args, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  return new Promise((resolve, reject) => {
    child.once('message', (figures) => resolve(figures as number[]))
    child.once('exit', (code) => reject(new Error(`a cold start ended with code ${code}`)))
  })
}
