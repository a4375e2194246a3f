import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunOptions, type RunSummary, run } from '../../lib/dev/index.js'
import type { Pipeline, Rejected, WindowResult } from '../../lib/index.js'
import type { FlightSource } from './data.js'
import type { Answer } from './oracle.js'

/** A folder with the sources' logs as files, for any number of runs. */
export class Logs {
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-oracle-'))
  readonly inputs: RunOptions['inputs']
  private runs = 0

  constructor(sources: readonly FlightSource[]) {
    this.inputs = Object.fromEntries(
      sources.map((source) => {
        const file = join(this.directory, `${source.name}.ndjson`)
        writeFileSync(file, `${source.lines.join('\n')}\n`)
        return [source.name, [file]]
      }),
    )
  }

  /** Runs a pipeline to its end. Its sinks' files stay until `remove`. */
  async run(pipeline: Pipeline, options: Omit<RunOptions, 'inputs'>): Promise<RunSummary> {
    const out = join(this.directory, `out-${this.runs++}`)
    return await run(pipeline, { state: 'memory', out, ...options, inputs: this.inputs })
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** What a run gave, as the oracle writes its answer. */
export function answerOf(summary: RunSummary): Answer {
  const splits = summary.status.stages[0]!.splits
  return {
    results: rowsOf<WindowResult<any, any>>(summary, 'hourly').map(resultText),
    expired: rowsOf<Rejected>(summary, 'late').map(expiredText),
    counters: splits.map(({ split, in: taken, operators: [operator] }) => {
      const { counted, late, expired } = operator!
      return JSON.stringify({ split, in: taken, counted, late, expired })
    }),
  }
}

/** The digests of the final file of each sink. */
export function digestsOf(summary: RunSummary): Record<string, string> {
  return Object.fromEntries(
    summary.sinks.map(({ name, file }) => [name, createHash('sha256').update(readFileSync(file)).digest('hex')]),
  )
}

export function rowsOf<Row>(summary: RunSummary, sink: string): Row[] {
  const { file } = summary.sinks.find(({ name }) => name === sink)!
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

function resultText({ key, value, window, pane, op }: WindowResult<any, any>): string {
  const { index, timing, first, last } = pane
  return JSON.stringify([key, window.start, window.end, [index, timing, first, last], op ?? null, value])
}

function expiredText({ source, split, position, timestamp, key, windows, payload }: Rejected): string {
  const { delay, destination } = payload as { delay: number; destination: string }
  // Both sources' positions end in the record's index in its split, in more digits than it needs.
  const index = Number(position.slice(-11))
  const { count, first, last } = windows!
  const run = [count, first.start, first.end, last.start, last.end]
  return JSON.stringify([source, split, index, timestamp, key, run, delay, destination])
}
