import type { LogPlan } from '../../lib/testing/sim/log.js'
import type { CrashPoint } from '../../lib/testing/sim/ports.js'
import { START_MS } from '../../lib/testing/sim/world-options.js'
import { type RunResult, run } from './run.js'
import type { Event, Spec } from './spec.js'
import { SPECS } from './specs.js'

/** Three batches of two splits, two windows and more, a late pane that is taken back, and an operator behind it. */
export const WHOLE: Spec = { ...SPECS.chained!, keyGroups: 1 }
/** The least that has every kind of core step: a batch, a late one, a window. */
export const CORE: Spec = { ...SPECS.late!, keyGroups: 1, sources: [{ ...SPECS.late!.sources[0]!, splits: 1 }] }

/** Batches by time of arrival: a mapping takes what is there. */
function log(split: number, times: readonly (readonly number[])[]): LogPlan {
  let id = split * 100
  const records = times.flatMap((batch, i) =>
    batch.map((second) => {
      const event: Event = { id: id++, t: START_MS - 100_000 + second * 1000, k: id % 2, v: id % 8 }
      return { arrivalMs: i * 3_000, payload: JSON.stringify(event), label: { event } }
    }),
  )
  return {
    source: 'source0',
    split: `shardId-${String(split).padStart(12, '0')}`,
    records: records.map((record, offset) => ({ ...record, offset })),
  }
}

/** A poison record too, so that the dead letter is among what is written. */
export function wholeLogs(): LogPlan[] {
  const first = log(0, [
    [0, 2, 6],
    [9, 3, 14],
    [2, 40, 1],
  ])
  const poison = { offset: 3, arrivalMs: 6_000, payload: '{', label: { bad: 'bad-json' } }
  const second = log(1, [[1, 4], [8], [12]])
  const records = second.records.map((record) =>
    record.offset < 3 ? record : { ...record, offset: record.offset + 1 },
  )
  return [first, { ...second, records: [...records.slice(0, 3), poison, ...records.slice(3)] }]
}

export function coreLogs(): LogPlan[] {
  return [
    log(0, [
      [0, 4],
      [15, 3],
    ]),
  ]
}

/** One run, one call after the other, with processes that die at these points. */
export function crashRun(spec: Spec, logs: readonly LogPlan[], crashes: readonly CrashPoint[]): Promise<RunResult> {
  const world = {
    isSequential: true,
    crashes,
    batch: 6,
    limits: {},
    ending: 'bounded',
    tickMs: 8_000,
    partitionsPerPoller: 1,
  } as const
  return run({ seed: 1, spec, logs, kinds: [], world })
}

export interface Enumerated {
  readonly calls: number
  readonly points: number
  readonly failures: string[]
}

/**
 * A crash before and after every single call, or at every so-manieth of these points: an odd number meets both kinds.
 */
export async function everyPoint(spec: Spec, logs: readonly LogPlan[], stride = 1): Promise<Enumerated> {
  const { outcome } = await crashRun(spec, logs, [])
  const failures: string[] = []
  let points = 0
  let place = 0
  for (let call = 0; call < outcome.calls; call++) {
    for (const when of ['before', 'after'] as const) {
      if (place++ % stride !== 0) continue
      const { faults } = await crashRun(spec, logs, [{ call, when }])
      points++
      if (faults.length > 0) failures.push(`${when} call ${call}: ${faults[0]}`)
    }
  }
  return { calls: outcome.calls, points, failures }
}

/**
 * A crash before or after every write, and a second one before or after every write that comes then; or every
 * so-manieth of these pairs.
 */
export async function everyPair(spec: Spec, logs: readonly LogPlan[], stride = 1): Promise<Enumerated> {
  const { outcome } = await crashRun(spec, logs, [])
  const failures: string[] = []
  let points = 0
  let place = 0
  for (const call of outcome.writes) {
    for (const when of ['before', 'after'] as const) {
      const first = { call, when }
      const { outcome: recovered } = await crashRun(spec, logs, [first])
      for (const later of recovered.writes) {
        if (later <= call) continue
        for (const then of ['before', 'after'] as const) {
          if (place++ % stride !== 0) continue
          const { faults } = await crashRun(spec, logs, [first, { call: later, when: then }])
          points++
          if (faults.length > 0) failures.push(`${when} call ${call}, ${then} call ${later}: ${faults[0]}`)
        }
      }
    }
  }
  return { calls: outcome.writes.length, points, failures }
}
