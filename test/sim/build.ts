import {
  avg,
  collect,
  count,
  cumulate,
  custom,
  distinctCount,
  fileSource,
  first,
  hopping,
  kafkaSource,
  kinesisSource,
  last,
  max,
  min,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  session,
  sum,
  sumDecimal,
  tumbling,
} from '../../lib/index.js'
import type { RecordMeta } from '../../lib/ports/index.js'
import { gapOf } from './keyed-windows.js'
import { declared, handlers } from './process.js'
import { rowOperator } from './rows.js'
import {
  type AggregateName,
  DRIFT_MS,
  decimalOf,
  type Event,
  idOf,
  isFussy,
  type KeyedWindowsSpec,
  keyOf,
  numberOf,
  type OperatorSpec,
  RECORD_BYTES_MAX,
  runStep,
  type SourceSpec,
  type Spec,
} from './spec.js'

/** Told of the record at hand when its value is one that kills. */
export type Die = (source: string, split: string, position: string) => never

const SOURCES = { kinesis: kinesisSource, kafka: kafkaSource, file: fileSource }

function sourceOf(spec: SourceSpec, die: Die) {
  return SOURCES[spec.connector]<Event>(spec.name, {
    timestamp: (event: Event, meta: RecordMeta) => {
      if (event.kill === true) die(meta.source, meta.split, meta.position)
      return event.t
    },
    watermark: outOfOrder(spec.boundMs),
    maxFutureDrift: DRIFT_MS,
    onFutureDrift: spec.onFutureDrift,
    recordBytesMax: RECORD_BYTES_MAX,
  })
}

const AGGREGATES: Record<AggregateName, () => any> = {
  count: () => count(),
  sum: () => sum(numberOf),
  decimal: () => sumDecimal(decimalOf),
  avg: () => avg(numberOf),
  min: () => min(numberOf),
  max: () => max(numberOf),
  first: () => first(idOf),
  last: () => last(idOf),
  distinct: () => distinctCount(numberOf),
  ids: () => collect(idOf, { max: 1000 }),
  fussy: () =>
    custom({
      name: 'fussy',
      init: () => ({ n: 0 }),
      add: (acc: { n: number }, row: any) => {
        acc.n++
        if (isFussy(numberOf(row))) throw new Error('a fold throws half-way')
        return acc
      },
      merge: (a: { n: number }, b: { n: number }) => ({ n: a.n + b.n }),
      result: (acc: { n: number }) => acc.n,
    }),
  trail: () =>
    custom({
      name: 'trail',
      ordered: true,
      init: () => '',
      add: (acc: string, row: any) => `${acc}>${idOf(row)}`,
      result: (acc: string) => acc,
    }),
}

function windowOf(operator: OperatorSpec) {
  const { window, keyed } = operator
  if (keyed?.kind === 'session') return session(keyed.isGapOfRow ? (row) => gapOf(operator, row) : keyed.gapMs)
  if (window.kind === 'tumbling') return tumbling(window.sizeMs)
  return window.kind === 'hopping' ? hopping(window.sizeMs, window.stepMs) : cumulate(window.sizeMs, window.stepMs)
}

const foldsOf = ({ aggregates }: OperatorSpec) =>
  Object.fromEntries(aggregates.map((name) => [name, AGGREGATES[name]()]))

function earlyOf({ earlyMs, earlyCount }: KeyedWindowsSpec) {
  if (earlyMs === 0 && earlyCount === 0) return {}
  return { early: { ...(earlyMs > 0 && { every: earlyMs }), ...(earlyCount > 0 && { count: earlyCount }) } }
}

/** The pipeline of a spec, made by the library. */
export function build(spec: Spec, die: Die): Pipeline {
  const options = {
    keyGroups: spec.keyGroups,
    writeShards: spec.writeShards,
    deadLetter: ndjson('dead'),
    minAdvance: spec.minAdvanceMs,
    idle: { after: spec.idleAfterMs, close: spec.idleClose },
  }
  return pipeline(spec.name, options, (p) => {
    const sources = spec.sources.map((source) => sourceOf(source, die))
    let rows: any = p.from(...(sources as [any, ...any[]]))
    for (const step of spec.steps) {
      if (step.kind === 'filter') rows = rows.filter((row: Event) => runStep(step, row).length > 0)
      else if (step.kind === 'map') rows = rows.map((row: Event) => runStep(step, row)[0]!)
      else rows = rows.flatMap((row: Event) => runStep(step, row))
    }
    const { side } = spec
    if (side !== undefined) {
      const isSide = (row: Event): boolean => row.id % side.mod === side.rest
      rows = rows.sideOutput(isSide, (rest: any) => rest.to(ndjson('side')))
    }
    if (spec.hasPassed) rows = rows.to(ndjson('passed'))
    for (const [i, operator] of spec.operators.entries()) {
      const { process, keyed, running } = operator
      if (operator.rows !== undefined) {
        const byKey = rows.keyBy((row: any) => keyOf(operator.key, row))
        rows = rowOperator(byKey, operator.name, operator.rows).to(ndjson(`out${i}`))
        continue
      }
      if (process !== undefined) {
        rows = rows
          .keyBy((row: any) => keyOf(operator.key, row))
          .process(operator.name, { ...declared(process), every: process.everyMs }, handlers(process))
          .to(ndjson(`out${i}`))
        continue
      }
      if (running !== undefined) {
        rows = rows
          .keyBy((row: any) => keyOf(operator.key, row))
          .aggregate(operator.name, foldsOf(operator), {
            accumulation: operator.accumulation,
            every: running.everyMs,
            ...(running.ttlMs > 0 && { ttl: running.ttlMs }),
          })
          .to(ndjson(`out${i}`))
        continue
      }
      rows = rows
        .keyBy((row: any) => keyOf(operator.key, row))
        .window(windowOf(operator), {
          allowedLateness: operator.latenessMs,
          accumulation: operator.accumulation,
          emit: operator.isFinal ? 'final' : 'panes',
          ...(operator.emptyForMs > 0 && { empty: { horizon: Math.max(operator.emptyForMs, operator.window.stepMs) } }),
          ...(keyed?.kind !== 'session' && { offset: operator.window.offsetMs }),
          ...(keyed !== undefined && { every: keyed.everyMs, ...earlyOf(keyed) }),
          ...(operator.hasLate && { late: ndjson(`late${i}`) }),
        })
        .aggregate(operator.name, foldsOf(operator))
        .to(ndjson(`out${i}`))
    }
  })
}
