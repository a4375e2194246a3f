import {
  avg,
  collect,
  count,
  cumulate,
  fileSource,
  hopping,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  sum,
  tumbling,
  type WindowResult,
} from '../../lib/index.js'
import { fileDecoder } from '../../lib/sources/file/decoder.js'
import { random } from './world.js'

/** A record of the simulated logs: its id is what nothing may lose or double. */
export interface Event {
  readonly id: number
  readonly t: number
  readonly k: string
}

// An import takes as long as it takes; the simulation must not.
const decoder = fileDecoder()
export const source = (name: string) => ({
  ...fileSource(name, { timestamp: (event: Event) => event.t, watermark: outOfOrder('3s') }),
  open: async () => decoder,
})

const options = { keyGroups: 2, deadLetter: ndjson('dead'), minAdvance: 0, idle: { after: '4s' } }

interface Scenario {
  readonly pipeline: Pipeline
  /** Windows that a record falls into. */
  readonly windows: number
}

const ids = { rows: count(), ids: collect((event: Event) => event.id, { max: 10_000 }) }

export const scenarios: Readonly<Record<string, Scenario>> = {
  'tumbling, no lateness': {
    windows: 1,
    pipeline: pipeline('tumbling', options, (p) =>
      p
        .from(source('events'))
        .keyBy((e) => e.k)
        .window(tumbling('10s'), { late: ndjson('late') })
        .aggregate('w', ids)
        .to(ndjson('out')),
    ),
  },
  'tumbling, late panes retract': {
    windows: 1,
    pipeline: pipeline('retracting', options, (p) =>
      p
        .from(source('events'))
        .keyBy((e) => e.k)
        .window(tumbling('10s'), { allowedLateness: '15s', accumulation: 'retracting', late: ndjson('late') })
        .aggregate('w', ids)
        .to(ndjson('out')),
    ),
  },
  'hopping, narrow slices': {
    windows: 3,
    pipeline: pipeline('hopping', options, (p) =>
      p
        .from(source('events'))
        .keyBy((e) => e.k)
        .window(hopping('12s', '4s'), { allowedLateness: '2s', late: ndjson('late') })
        .aggregate('w', ids)
        .to(ndjson('out')),
    ),
  },
  'cumulate over two sources': {
    windows: 0,
    pipeline: pipeline('cumulate', options, (p) =>
      p
        .from(source('events'), source('others'))
        .keyBy((e) => e.k)
        .window(cumulate('20s', '5s'), { allowedLateness: '7s', late: ndjson('late') })
        .aggregate('w', ids)
        .to(ndjson('out')),
    ),
  },
  'chained, a retracting operator feeds another': {
    windows: 1,
    pipeline: pipeline('chained', options, (p) =>
      p
        .from(source('events'))
        .keyBy((e) => e.k)
        .window(tumbling('5s'), { allowedLateness: '10s', accumulation: 'retracting', late: ndjson('late') })
        .aggregate('first', { rows: count(), sum: sum((e) => e.id), ids: collect((e) => e.id, { max: 10_000 }) })
        .to(ndjson('out'))
        .keyBy((result: WindowResult<string, { rows: number; sum: number }>) => result.key.length)
        .window(tumbling('20s'), { allowedLateness: '30s', late: ndjson('late2') })
        .aggregate('second', {
          results: count(),
          rows: sum((r) => r.value.rows),
          total: sum((r) => r.value.sum),
          mean: avg((r) => r.value.rows),
        })
        .to(ndjson('out2')),
    ),
  },
  stateless: {
    windows: 1,
    pipeline: pipeline('stateless', options, (p) =>
      p
        .from(source('events'))
        .map((e) => ({ id: e.id }))
        .to(ndjson('passed')),
    ),
  },
}

/** Logs with disorder, of which a part comes late. */
export function logsOf(
  seed: number,
  pipe: Pipeline,
  splits = 3,
  length = 14,
): Record<string, Record<string, string[]>> {
  const R = random(seed ^ 0x5bd1e995)
  const pick = (n: number): number => Math.floor(R() * n)
  const names = pipe.nodes.flatMap((node) => (node.kind === 'source' ? [node.source.name] : []))
  let id = 0
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.fromEntries(
        Array.from({ length: splits }, (_, split) => {
          let t = 0
          const lines = Array.from({ length }, () => {
            t += pick(5)
            return JSON.stringify({ id: id++, t: 1000 * Math.max(0, t - pick(9)), k: `k${pick(3)}` })
          })
          return [`p${split}`, lines]
        }),
      ),
    ]),
  )
}
