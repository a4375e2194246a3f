import { readFileSync } from 'node:fs'
import {
  custom,
  hopping,
  kinesisSource,
  max,
  monotonous,
  ndjson,
  type Pipeline,
  pipeline,
  type Rejected,
  session,
  tumbling,
  type WindowOptions,
  type WindowResult,
} from '../../lib/index.js'

/** A record of a case. Times of cases are whole units. */
export interface Given {
  readonly key: string
  readonly value: string | null
  readonly timestamp: number
}
/** A row that Kafka Streams gave. Sessions and sliding windows end with their last record. */
export interface Golden {
  readonly from?: 'raw' | 'suppressed'
  readonly key: string
  readonly value: string | number | null
  readonly timestamp: number
  readonly windowstart: number
  readonly windowend: number
}
export interface KafkaWindow {
  readonly kind: 'tumbling' | 'hopping' | 'session' | 'sliding'
  readonly size?: number
  readonly advance?: number
  readonly gap?: number
  readonly timeDifference?: number
  readonly grace: number
}
export interface KafkaCase {
  readonly name: string
  readonly window: KafkaWindow
  readonly aggregate: { readonly count?: true; readonly init?: string; readonly add?: string; readonly reduce?: string }
  readonly emit?: 'onUpdate' | 'onClose'
  readonly groupBy?: string
  readonly versioned?: boolean
  readonly input: readonly Given[]
  readonly output: readonly Golden[]
  readonly final: readonly Golden[]
  readonly atEnd?: readonly Golden[]
}

const folder = new URL('goldens/kafka-streams/', import.meta.url)

export function kafkaCases(file: string): KafkaCase[] {
  const text = readFileSync(new URL(`${file}.ndjson`, folder), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** A unit of time of the cases, ms. They have windows of 2 ms, and slices have at least 100 ms. */
export const UNIT = 1000

/** Stream time is the highest timestamp so far. Each case has one task, so one split. */
export const records = kinesisSource('records', {
  timestamp: (given: Given) => given.timestamp * UNIT,
  watermark: monotonous(),
})

/** The folds of a case, from their text. Records are folded in the order of event time. */
function foldOf({ count, init, add, reduce }: KafkaCase['aggregate']) {
  if (count) return counted
  if (add !== undefined && add !== JOINED) throw new Error(`No fold for ${add}`)
  if (reduce !== undefined && reduce !== JOINED) throw new Error(`No fold for ${reduce}`)
  const start = init === undefined ? undefined : init.slice(1, -1)
  return custom({
    name: 'joined',
    ordered: true,
    init: (): string | null => start ?? null,
    add: (agg: string | null, { value }: Given) => (agg === null ? value : `${agg}+${value}`),
    result: (agg) => agg,
  })
}

const JOINED = "agg + '+' + value"
const counted = custom({
  name: 'counted',
  init: () => 0,
  add: (n: number) => n + 1,
  merge: (a: number, b: number) => a + b,
  result: (n) => n,
})

function specOf({ kind, size, advance, gap, timeDifference }: KafkaWindow): any {
  if (kind === 'tumbling') return tumbling(size! * UNIT)
  if (kind === 'hopping') return hopping(size! * UNIT, advance! * UNIT)
  if (kind === 'session') return session(gap! * UNIT)
  return hopping((timeDifference! + 1) * UNIT, UNIT)
}

export type Result = WindowResult<string, { readonly value: string | number; readonly latest: number }>
export interface KafkaRows {
  readonly out: Result
  readonly late: Rejected & { readonly payload: Given }
}

/** The topology of a case. Grace is the allowed lateness. */
export function pipelineOf({ window, aggregate }: KafkaCase, options: WindowOptions<Given, string>): Pipeline {
  const isKeyed = window.kind === 'session' || options.early !== undefined
  const allowedLateness = window.grace * UNIT
  return pipeline('golden', { deadLetter: ndjson('dead'), minAdvance: '100ms' }, (p) => {
    p.from(records)
      .keyBy(({ key }) => key)
      .window(specOf(window), { allowedLateness, late: ndjson('late'), ...(isKeyed && { every: UNIT }), ...options })
      .aggregate('golden', { value: foldOf(aggregate), latest: max((row: Given) => row.timestamp) })
      .to(ndjson('out'))
  })
}

/** Rows of a case and results, in one form. Text is folded in another order: its parts are compared. */
export interface Row {
  readonly key: string
  readonly value: string | number
  readonly timestamp: number
  readonly start: number
  readonly end: number
}
const partsOf = (value: string | number): string | number =>
  typeof value === 'number' ? value : value.split('+').sort().join('+')

export function rowOfGolden({ key, value, timestamp, windowstart: start, windowend: end }: Golden): Row {
  return { key, value: partsOf(value!), timestamp, start, end }
}

/** `windowend` of a session is its last record; that of a sliding window belongs to it. */
export function rowOfResult({ kind, gap }: KafkaWindow): (result: Result) => Row {
  const beyond = kind === 'session' ? gap! : kind === 'sliding' ? 1 : 0
  return ({ key, value, window }) => ({
    key,
    value: partsOf(value.value),
    timestamp: value.latest,
    start: window.start / UNIT,
    end: window.end / UNIT - beyond,
  })
}

export const sorted = (rows: readonly Row[]): Row[] =>
  [...rows].sort((a, b) => a.start - b.start || a.end - b.end || (a.key < b.key ? -1 : 1))
