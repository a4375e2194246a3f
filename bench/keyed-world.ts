import { callback, fileSource, outOfOrder, type Pipeline, pipeline, value } from '../lib/index.js'
import { InvocationMetrics, randomIds, silentLogger, systemClock } from '../lib/observe/index.js'
import type { OperatorPlan } from '../lib/pipeline/index.js'
import type { StateStore } from '../lib/ports/index.js'
import { advance } from '../lib/runtime/advance.js'
import { Host } from '../lib/runtime/host.js'
import { Blocks, type Leaf } from '../lib/runtime/keyed/blocks.js'
import { placeOf } from '../lib/runtime/keyed/group.js'
import type { KeyRecord } from '../lib/runtime/keyed/key-record.js'
import { watermarkKey } from '../lib/runtime/keys.js'
import type { Limits } from '../lib/runtime/limits.js'
import { sealOf } from '../lib/runtime/seal.js'
import { EVERY_KEY } from '../lib/runtime/segment.js'
import { MeteredStore } from './keyed-meter.js'

export interface Reading {
  readonly t: number
  readonly k: string
  readonly v: number
}
export interface Total {
  n: number
  sum: number
  last: number
}

const SLICE_MS = 1_000
export const START_MS = Date.UTC(2026, 0, 1)
/** A third of the heap of a function with 1,769 MB. */
const ADVANCE_BYTES = 530 * 1024 * 1024
/** Population grows by this factor a round, so that leaves are split as they are when keys are added over time. */
const GROWTH = 1.5
const FIRST_KEYS = 1_000
/** A round of population is written in parts of this many keys. */
const PART_KEYS = 50_000

const NO_TOTAL: Total = { n: 0, sum: 0, last: 0 }

/** The handler, apart from where its state is. Gives a row for one event in a hundred. */
export function addReading(total: Total, { t, v }: Reading): Total {
  return { n: total.n + 1, sum: total.sum + v, last: t }
}
export const isReported = (total: Total): boolean => total.n % 100 === 0

/** A process function that keeps three numbers for each key: about 50 bytes. A note is kept as it is stored. */
export function keyedPipeline(onRows: (rows: number) => void): Pipeline {
  const counting = (name: string) => callback(name, (rows) => onRows(rows.length))
  return pipeline('keyed', { deadLetter: counting('rejected'), keyGroups: 1, minAdvance: 0 }, (p) =>
    p
      .from(fileSource('readings', { timestamp: (e: Reading) => e.t, watermark: outOfOrder(SLICE_MS) }))
      .keyBy((e) => e.k)
      .process(
        'totals',
        { state: { a: value<Total>(NO_TOTAL), note: value('') }, every: SLICE_MS },
        {
          onRow(ctx, row) {
            const total = addReading(ctx.state.a.get(), row)
            ctx.state.a.set(total)
            return isReported(total) ? [{ key: ctx.key, ...total }] : undefined
          },
        },
      )
      .to(counting('out')),
  )
}

/** The key with a number: consecutive numbers are close neither in name nor in hash. */
export const keyName = (i: number): string => `customer-${(Math.imul(i, 0x9e37_79b1) >>> 0).toString(16)}`

/**
 * One key group of an operator with keyed state. Slices of rows are put into the container's cache, where ingest and
 * the reading of segments would have put them. The runtime's own `advance` then closes them.
 */
export class KeyedWorld {
  readonly store: MeteredStore
  readonly operator: OperatorPlan
  host: Host
  private readonly limits: Partial<Limits>
  private slice = 0
  private position = 0

  constructor(store: StateStore, limits: Partial<Limits> = {}, latencyMs = 0) {
    this.store = new MeteredStore(store, latencyMs)
    this.limits = { advanceBytes: ADVANCE_BYTES, ...limits }
    this.host = this.opened()
    this.operator = this.host.plan.operators[0]!
  }

  private opened(): Host {
    return new Host(
      keyedPipeline(() => undefined),
      {
        store: this.store,
        openSink: async () => ({ write: async () => undefined, close: async () => undefined }),
        inspector: () => undefined,
        clock: systemClock,
        ids: randomIds,
        logger: silentLogger,
        metrics: new InvocationMetrics(() => undefined),
        limits: this.limits,
        timeoutMs: 60_000,
      },
    )
  }

  /** The same key group with a store that takes some time for each request. */
  slowed(latencyMs: number): KeyedWorld {
    const slow = new KeyedWorld(this.store.inner, this.limits, latencyMs)
    slow.slice = this.slice
    slow.position = this.position
    return slow
  }

  /** Continues as another container, in which nothing is held. */
  reopen(): void {
    this.host = this.opened()
  }

  /**
   * Writes the states of keys 0 to `keys` into blocks, by the engine's own code. Rounds have numbers below 0, so that
   * all of them are older than the first slot. Each state has a note of that many characters. Returns the bytes of the
   * states and keys.
   */
  async populate(keys: number, growth = GROWTH, noteChars = 0): Promise<number> {
    const group = { host: this.host, operator: this.operator, keyGroup: 0 }
    const blocks = new Blocks(group)
    const targets = [Math.min(keys, FIRST_KEYS)]
    while (targets.at(-1)! < keys) targets.push(Math.min(keys, Math.ceil(targets.at(-1)! * growth)))
    let from = 0
    let bytes = 0
    for (const [round, to] of targets.entries()) {
      const asOf = round - targets.length
      const records = Array.from({ length: to - from }, (_, i) => recordOf(from + i, noteChars))
      for (const { state, text } of records) bytes += state.length + text.length
      const place = ({ hash }: KeyRecord): number => placeOf(hash, this.operator.keyGroups)
      records.sort((a, b) => place(a) - place(b))
      for (let at = 0; at < records.length; ) {
        const some = records.slice(at, at + PART_KEYS)
        await blocks.load(some.map(place), 0)
        // A leaf is written once a round, with all keys that are new in it.
        const last = place(some.at(-1)!)
        while (at + some.length < records.length && blocks.isSame(last, place(records[at + some.length]!)))
          some.push(records[at + some.length]!)
        const byLeaf = new Map<Leaf, KeyRecord[]>()
        for (const record of some) {
          const leaf = blocks.leafOf(place(record))
          const list = byLeaf.get(leaf)
          if (list === undefined) byLeaf.set(leaf, [record])
          else list.push(record)
        }
        if (!(await blocks.write([...byLeaf], asOf))) throw new Error('a block of the benchmark was not written')
        at += some.length
        blocks.trim(ADVANCE_BYTES)
      }
      from = to
      await blocks.list()
    }
    this.store.reset()
    return bytes
  }

  /** Closes a slice with one row for each of these keys. A key may occur several times. Returns its number of keys. */
  async close(touched: readonly number[]): Promise<number> {
    const { operator, host } = this
    const end = START_MS + ++this.slice * SLICE_MS
    const cache = host.lane(operator, 0)
    if (cache.isEmpty) cache.extend(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    const group = cache.group(0)
    const cells = new Map<string, any[]>()
    for (const [i, key] of touched.entries()) {
      const k = keyName(key)
      const timestamp = end - SLICE_MS + (i % SLICE_MS)
      const row = { value: { t: timestamp, k, v: (key * 7) % 100 }, turn: timestamp, timestamp, split: 'readings/p' }
      const rows = cells.get(k)
      const placed = { ...row, position: String(this.position++).padStart(16, '0') }
      if (rows === undefined) cells.set(k, [placed])
      else rows.push(placed)
    }
    for (const [k, rows] of cells) group.addCell(end, { ...EVERY_KEY.of(k), accs: [rows] })
    await this.publish(end)
    const before = this.store.cpu()
    const outcome = await advance(host, operator, 0, { remainingMs: () => Number.POSITIVE_INFINITY })
    this.store.spend(before)
    if (outcome !== 'done') throw new Error(`the benchmark's advance ended with ${outcome}`)
    return cells.size
  }

  /** Publishes a watermark, as ingest would, apart from the figures. */
  private async publish(watermark: number): Promise<void> {
    const key = watermarkKey(this.host.prefix, this.operator.stage)
    const set = { watermark, watermarkSeal: sealOf('watermark', watermark) }
    const { inner } = this.store
    if (this.slice === 1) await inner.insert([{ ...key, ...set }])
    else await inner.update({ key, set, when: [] })
  }
}

function recordOf(i: number, noteChars: number): KeyRecord {
  const { key, text, hash } = EVERY_KEY.of(keyName(i))
  const a = { n: 1 + (i % 50), sum: 500 + (i % 5_000), last: START_MS - 1 }
  const state = JSON.stringify({ s: noteChars === 0 ? { a } : { a, note: noteOf(i, noteChars) } })
  return { key, text, hash, state, due: undefined, wake: undefined }
}

/** Text that does not compress to almost nothing. */
function noteOf(i: number, chars: number): string {
  let text = ''
  for (let n = 1; text.length < chars; n++) text += (Math.imul(i + n * 7_919, 0x9e37_79b1) >>> 0).toString(36)
  return text.slice(0, chars)
}
