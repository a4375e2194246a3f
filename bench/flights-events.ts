import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Flight } from '../examples/flights/pipeline.js'
import { StreamInput } from '../lib/dev/input/stream-input.js'
import { buildEvent } from '../lib/dev/poller/events.js'
import type { Pipeline, SourceNode } from '../lib/index.js'

const WEEK_MS = 7 * 86_400_000

/** The lines of one of the example's files, `weeks` times; each copy is a week later than the one before. */
function flightLines(name: string, weeks: number): string[] {
  const path = new URL(`../examples/flights/data/${name}.ndjson.gz`, import.meta.url)
  const lines = gunzipSync(readFileSync(path)).toString().trim().split('\n')
  return Array.from({ length: weeks }, (_, week) =>
    lines.map((line) => (week === 0 ? line : shifted(line, week * WEEK_MS))),
  ).flat()
}

function shifted(line: string, ms: number): string {
  const flight = JSON.parse(line) as Flight
  return JSON.stringify({
    ...flight,
    scheduled: new Date(Date.parse(flight.scheduled) + ms).toISOString().replace('.000', ''),
  })
}

/** The event of one invocation, as JSON text, and the number of its records. */
export interface BenchEvent {
  readonly json: string
  readonly records: number
  readonly source: string
}

/**
 * The flights as events of their mappings: four splits per source, batches of `batch` records of one split, in turn.
 */
export function flightEvents(
  pipeline: Pipeline,
  batch: number,
  weeks = 1,
): { events: BenchEvent[]; inputs: StreamInput[]; records: number } {
  const sources = pipeline.nodes.flatMap((node) => (node.kind === 'source' ? [node.source as SourceNode<any>] : []))
  const inputs = sources.map((source) => {
    const input = new StreamInput(source, [], 4, () => 0)
    for (const line of flightLines(source.name, weeks)) {
      const key = (JSON.parse(line) as Flight).origin
      input.logs[input.numbering.partition(key, 4)]!.append(line, key)
    }
    for (const log of input.logs) log.end()
    return input
  })
  const events: BenchEvent[] = []
  // An event may hold less than a batch: it is cut at Lambda's payload limit.
  const next = new Map(inputs.flatMap((input) => input.logs.map((log) => [log, 0])))
  for (let more = true; more; ) {
    more = false
    for (const input of inputs) {
      for (const log of input.logs) {
        const from = next.get(log)!
        if (from >= log.total) continue
        more = true
        const built = buildEvent(input, [{ log, from, to: Math.min(log.total, from + batch) }], 1_700_000_000_000)
        const { to } = built.ranges[0]!
        next.set(log, to)
        events.push({ json: built.json, records: to - from, source: input.source.name })
      }
    }
  }
  return { events, inputs, records: events.reduce((sum, event) => sum + event.records, 0) }
}
