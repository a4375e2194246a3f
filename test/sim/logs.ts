import type { Random } from '../../lib/testing/random.js'
import type { Fault, Swarm } from '../../lib/testing/sim/faults.js'
import type { LogPlan, LogRecord } from '../../lib/testing/sim/log.js'
import type { OracleRecord } from './interpret.js'
import { type Event, RECORD_BYTES_MAX, type SourceSpec, type Spec } from './spec.js'

const WAKE_MS = 60_000
const HOUR_MS = 3_600_000
/** The epoch, the year 1, and the first and the last times that are any. */
const ANCIENT_MS = [0, -1, -62_135_596_800_000, -3_899_000_000_000_000] as const
const FUTURE_MS = [253_402_300_799_000, 3_899_000_000_000_000, 1_900_000_000_000] as const

export interface LogOptions {
  /** Records of a split, about. */
  readonly length: number
  /** Event times begin here, ms. */
  readonly baseMs: number
  /** When the world's clock starts, ms. */
  readonly startMs: number
}

/** Logs for a pipeline: disorder, and every kind of record that producers, brokers and people bring about. */
export function makeLogs(spec: Spec, random: Random, swarm: Swarm, options: LogOptions): LogPlan[] {
  const ids = { next: 0 }
  return spec.sources.flatMap((source) => new LogMaker(spec, source, random, swarm, options, ids).make())
}

class LogMaker {
  private readonly spec: Spec
  private readonly source: SourceSpec
  private readonly random: Random
  private readonly swarm: Swarm
  private readonly options: LogOptions
  private readonly ids: { next: number }

  constructor(
    spec: Spec,
    source: SourceSpec,
    random: Random,
    swarm: Swarm,
    options: LogOptions,
    ids: { next: number },
  ) {
    this.spec = spec
    this.source = source
    this.random = random
    this.swarm = swarm
    this.options = options
    this.ids = ids
  }

  make(): LogPlan[] {
    const { source, swarm, random } = this
    const plans: LogPlan[] = []
    for (let i = 0; i < source.splits; i++) {
      const fromMs = i > 0 && source.connector !== 'file' && swarm.strikes('partition-added') ? random.below(60_000) : 0
      plans.push(this.log(splitName(source, i), fromMs, 0))
    }
    if (source.connector === 'kinesis') this.reshard(plans)
    return plans
  }

  /** A shard splits in two, or two merge; and their children may again. */
  private reshard(plans: LogPlan[]): void {
    const { source, swarm, random } = this
    for (let turn = 0; turn < 2; turn++) {
      if (!swarm.strikes('reshard')) return
      const open = plans.filter((plan) => plan.isClosed !== true)
      const merged = open.length > 1 && random.below(2) === 0
      const parents = merged ? open.slice(0, 2) : open.slice(0, 1)
      const endMs = Math.max(...parents.map((plan) => plan.records.at(-1)?.arrivalMs ?? plan.fromMs ?? 0))
      for (const parent of parents) plans[plans.indexOf(parent)] = { ...parent, isClosed: true, closesMs: endMs }
      for (let child = 0; child < (merged ? 1 : 2); child++) {
        const name = splitName(source, plans.length)
        plans.push({ ...this.log(name, endMs, endMs), parents: parents.map((parent) => parent.split) })
      }
    }
  }

  private log(split: string, fromMs: number, eventMs: number): LogPlan {
    const { source, random, swarm, options } = this
    const records = this.records(random.below(2 * options.length), fromMs, eventMs)
    const isRemade = source.connector === 'kafka' && swarm.has('topic-remade')
    const last = records.at(-1)?.arrivalMs ?? 0
    return {
      source: source.name,
      split,
      records,
      fromMs,
      ...(source.connector === 'file' && { isClosed: true }),
      ...(source.connector === 'kafka' && source.hasNoArrival && { hasNoArrival: true }),
      ...(isRemade && { remade: this.records(1 + random.below(3), last, eventMs + 1, true) }),
    }
  }

  private records(count: number, fromMs: number, eventMs: number, isDense = false): LogRecord[] {
    const { source, random, swarm } = this
    const records: LogRecord[] = []
    let arrivalMs = fromMs
    let offset = source.connector === 'kinesis' ? 990 + random.below(20) : 0
    let timeMs = eventMs
    // What arrives in bulk, and what trickles.
    const paceMs = [0, 300, 3_000][random.below(3)]!
    let previous: number | undefined
    for (let i = 0; i < count; i++) {
      arrivalMs += random.below(1 + paceMs)
      if (swarm.strikes('idle')) {
        arrivalMs += 20_000 + random.below(200_000)
        // Splits that wake together meet each other, and whoever moves the watermark.
        if (random.below(2) === 0) arrivalMs = Math.ceil(arrivalMs / WAKE_MS) * WAKE_MS
      }
      if (swarm.strikes('burst')) {
        const gapMs = [HOUR_MS, 6 * HOUR_MS, 48 * HOUR_MS][random.below(3)]! * random.next()
        arrivalMs += Math.floor(gapMs)
        // What happened meanwhile is told late, or nothing happened.
        if (random.below(2) === 0) timeMs += Math.floor(gapMs)
      }
      timeMs += random.below(4) === 0 ? random.below(9_000) : random.below(1_500)
      const record = this.record(timeMs, arrivalMs, previous)
      previous = record.event?.t
      if (!isDense && swarm.strikes('offset-gap')) offset += 1 + random.below(5)
      const subs =
        source.connector === 'kinesis' && source.isAggregated && random.below(3) === 0 ? 1 + random.below(3) : 0
      records.push({ offset, arrivalMs, payload: record.payload, label: record.label, ...(subs > 0 && { sub: 0 }) })
      // User records of one aggregate are whole texts: damage is another test's.
      if (subs > 0 && typeof record.payload !== 'string')
        records[records.length - 1] = { offset, arrivalMs, ...this.plain(timeMs, arrivalMs), sub: 0 }
      for (let sub = 1; sub < subs; sub++) records.push({ offset, arrivalMs, ...this.plain(timeMs, arrivalMs), sub })
      offset++
    }
    return records
  }

  private plain(timeMs: number, arrivalMs: number): { payload: string; label: OracleRecord['is'] } {
    const event = this.event(timeMs, arrivalMs)
    return { payload: JSON.stringify(event), label: { event } }
  }

  private event(timeMs: number, arrivalMs: number): Event {
    const { random, options } = this
    // Nothing comes before it happens, or all would be beyond the drift.
    const t = Math.min(options.baseMs + timeMs - random.below(5_000), options.startMs + arrivalMs)
    return { id: this.ids.next++, t, k: random.below(4), v: random.below(64) / 8 }
  }

  private record(timeMs: number, arrivalMs: number, previous: number | undefined) {
    const { source, random, swarm, options } = this
    let event = this.event(timeMs, arrivalMs)
    const has = (kind: Fault): boolean => swarm.strikes(kind)
    if (has('hot-key')) event = { ...event, k: 0 }
    if (has('late-flood'))
      event = {
        ...event,
        t: random.below(6) === 0 ? ANCIENT_MS[random.below(ANCIENT_MS.length)]! : event.t - random.below(120_000),
      }
    if (previous !== undefined && has('equal-stamps'))
      event = {
        ...event,
        t: random.below(2) === 0 ? previous : Math.floor(event.t / 5_000) * 5_000 - random.below(3) + 1,
      }
    if (has('future-stamp'))
      event = {
        ...event,
        t: [...FUTURE_MS, options.startMs + arrivalMs + 700_000][random.below(FUTURE_MS.length + 1)]!,
      }
    if (has('killer-record')) event = { ...event, kill: true }
    if (source.connector === 'kafka' && has('tombstone'))
      return { payload: null, label: 'tombstone' as const, event: undefined }
    if (has('oversize')) {
      const text = JSON.stringify({ ...event, pad: 'x'.repeat(RECORD_BYTES_MAX) })
      return { payload: text, label: { bad: 'oversize' }, event: undefined }
    }
    if (has('poison')) return { ...this.poison(event), event: undefined }
    return { payload: JSON.stringify(event), label: { event }, event }
  }

  private poison(event: Event): { payload: LogRecord['payload']; label: OracleRecord['is'] } {
    const { source, random, spec } = this
    const hasMap = spec.steps.some(({ kind }) => kind === 'map')
    const kinds: (() => { payload: LogRecord['payload']; label: OracleRecord['is'] })[] = [
      () => ({ payload: '{"id":', label: { bad: 'bad-json' } }),
      () => ({ payload: '', label: { bad: 'bad-json' } }),
      () => ({ payload: '[1],[2]', label: { bad: 'bad-json' } }),
      () => ({ payload: `{"id":1,"__proto__":{"t":1},"t":2}`, label: { bad: 'forbidden-key' } }),
      () => ({
        payload: `${'['.repeat(1100)}${']'.repeat(1100)}`.slice(0, RECORD_BYTES_MAX - 1),
        label: { bad: 'bad-json' },
      }),
      () => ({ payload: JSON.stringify({ ...event, t: 'soon' }), label: { bad: 'bad-timestamp' } }),
      () => ({ payload: `{"id":1,"t":1e400}`, label: { bad: 'inexact-number' } }),
      () => ({ payload: JSON.stringify({ ...event, t: 3_900_000_000_000_000 }), label: { bad: 'bad-timestamp' } }),
      () => ({ payload: JSON.stringify({ ...event, t: -8.64e15 }), label: { bad: 'bad-timestamp' } }),
      () => ({ payload: 'null', label: { bad: 'bad-timestamp' } }),
    ]
    if (hasMap)
      kinds.push(() => ({
        payload: JSON.stringify({ ...event, boom: true }),
        label: { event: { ...event, boom: true } },
      }))
    if (source.connector !== 'file') {
      kinds.push(() => ({ payload: { raw: '!!!!' }, label: { bad: 'bad-base64' } }))
      kinds.push(() => ({
        payload: { raw: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString('base64') },
        label: { bad: 'bad-utf8' },
      }))
    }
    return kinds[random.below(kinds.length)]!()
  }
}

function splitName({ connector, name }: SourceSpec, index: number): string {
  if (connector === 'kinesis') return `shardId-${String(index).padStart(12, '0')}`
  return connector === 'kafka' ? `${name}-${index}` : `part-${index}`
}
