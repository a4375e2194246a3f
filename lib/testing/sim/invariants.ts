import { gunzipSync } from 'node:zlib'
import { TIME_MIN } from '../../base/index.js'
import { type OperatorPlan, type Pipeline, type Plan, plan } from '../../pipeline/index.js'
import type { Item } from '../../ports/index.js'
import { lanePks, parseSegmentSk, runPrefix, START, splitKey, splitsPks } from '../../runtime/keys.js'
import { effective, readSplit, standing } from '../../runtime/split-item.js'
import type { MemoryTable } from '../../state/memory/index.js'

/**
 * A range of a split's log up to `to`, and the gate with which its records were counted. It is a durable fact that the
 * logs themselves do not contain.
 */
export interface Stretch {
  readonly to: string
  readonly gate: number
}

/** Attributes that never decrease (invariant 9). */
const GROWING = ['position', 'own', 'top', 'gate', 'epoch', 'proposed', 'watermark', 'cursor'] as const
const SPLIT_ITEM_BYTES = 1024

/** Checks every write as it takes effect, and reports the invariant that it violates. */
export class Invariants {
  readonly violations: string[] = []
  /** How the log of a split was counted, by the name of the split. */
  readonly stretches = new Map<string, Stretch[]>()
  /** The limits by which timestamps far ahead were judged, by split: up to position `to`, none beyond `limit`. */
  readonly limits = new Map<string, { readonly to: string; readonly limit: number }[]>()
  /** The positions right after which an operator had a record skipped, by split. */
  readonly skips = new Map<string, string[]>()
  /** Damaged items: they are not checked until they are repaired. */
  readonly damaged = new Set<string>()
  /** When a tick last completed all its work: until then, all waiting state was renewed. */
  keptMs = Number.NEGATIVE_INFINITY
  /** The successors of a split, as its source lists them. */
  childrenOf: (split: string) => readonly string[] = () => []
  private readonly plan: Plan
  private readonly prefix: string
  private readonly table: MemoryTable
  private readonly operators = new Map<string, OperatorPlan>()
  private readonly stages = new Map<string, number>()
  private readonly published = new Map<number, number>()
  private readonly chains = new Map<string, string>()

  constructor(pipeline: Pipeline, table: MemoryTable) {
    this.plan = plan(pipeline)
    this.prefix = runPrefix(pipeline.name, 1)
    this.table = table
    for (const operator of this.plan.operators)
      for (let keyGroup = 0; keyGroup < operator.keyGroups; keyGroup++)
        for (const pk of lanePks(this.prefix, operator, keyGroup)) this.operators.set(pk, operator)
    for (const stage of this.plan.stages)
      for (const pk of splitsPks(this.prefix, stage)) this.stages.set(pk, stage.index)
  }

  /** Whether an attempt has written segments of the split beyond its checkpoint. */
  isAhead(split: string, position: string): boolean {
    for (const [chain, to] of this.chains) if (chain.endsWith(` ${split}`) && to > position) return true
    return false
  }

  fail(what: string): void {
    if (this.violations.length < 20) this.violations.push(what)
  }

  updated(before: Item, after: Item): void {
    if (this.damaged.has(`${before.pk} ${before.sk}`)) {
      if (before.position !== after.position) this.stretch(after, before.gate as number)
      return
    }
    for (const name of GROWING) {
      const was = before[name]
      const is = after[name]
      if (was !== undefined && (is === undefined || is < was))
        this.fail(`invariant 9: ${name} of ${before.pk} ${before.sk} decreases, from ${String(was)} to ${String(is)}`)
    }
    const stage = this.stages.get(before.pk)
    if (stage === undefined) return
    if (before.sk === '!') {
      if (after.watermark !== before.watermark) this.publish(stage, after)
      return
    }
    if (after.position !== before.position) this.checkpoint(stage, before, after)
    if (after.status !== before.status && after.status === 'ended') this.ended(stage, before)
    if (after.limitTo !== undefined && after.limitTo !== before.limitTo)
      listOf(this.limits, before.sk.slice(2)).push({ to: String(after.limitTo), limit: Number(after.limit) })
    if (after.skip !== before.skip) listOf(this.skips, before.sk.slice(2)).push(String(after.skip))
  }

  /** Invariants 4, 5, 7: all members have passed the watermark that is published. */
  private publish(stage: number, after: Item): void {
    const watermark = after.watermark as number
    this.published.set(stage, watermark)
    for (const item of this.splits(stage)) {
      if (this.damaged.has(`${item.pk} ${item.sk}`)) continue
      const split = readSplit(item, 0)
      if (standing(split) === 'member' && split.stopped === '' && effective(split) < watermark)
        this.fail(`invariant 4: ${watermark} is published, but the member ${split.name} is at ${effective(split)}`)
    }
  }

  /** Invariant 6: the successors that the source lists are part of the minimum before the split leaves it. */
  private ended(stage: number, { sk }: Item): void {
    for (const child of this.childrenOf(sk.slice(2)))
      if (this.table.find(splitKey(this.prefix, this.plan.stages[stage]!, child)) === undefined)
        this.fail(`invariant 6: ${sk.slice(2)} ends, but its successor ${child} is not registered`)
  }

  private splits(stage: number): Item[] {
    const bounds = { low: 's#', high: 's#~~', lowExcluded: false }
    const pks = splitsPks(this.prefix, this.plan.stages[stage]!)
    return pks.flatMap((pk) => [...this.table.range(pk, bounds)].map(({ item }) => item))
  }

  private checkpoint(stage: number, before: Item, after: Item): void {
    const { operators } = this.plan.stages[stage]!
    const split = readSplit(after, operators.length)
    this.stretch(after, before.gate as number)
    const { counters } = split
    if (counters.in !== counters.rejected + counters.filtered + counters.passed)
      this.fail(`invariant 10: ${split.name} has unbalanced counters ${JSON.stringify(counters)}`)
    if (before.stopped !== undefined || before.next !== undefined)
      this.fail(`a stopped split accepts records: ${split.name}`)
    let bytes = 0
    for (const [name, value] of Object.entries(after)) bytes += name.length + String(value).length
    if (bytes > SPLIT_ITEM_BYTES) this.fail(`invariant 2: the item of ${split.name} has ${bytes} bytes`)
  }

  private stretch(after: Item, gate: number): void {
    listOf(this.stretches, after.sk.slice(2)).push({ to: after.position as string, gate })
  }

  inserted(item: Item): void {
    const operator = this.operators.get(item.pk)
    if (operator === undefined || !item.sk.startsWith('g#')) return
    const { bucketEnd, split, from } = parseSegmentSk(item.sk)
    const chain = `${item.pk} ${bucketEnd} ${split}`
    const end = this.chains.get(chain) ?? START
    if (from !== end) this.fail(`invariant 2: a segment of ${chain} begins at ${from}, but the chain ends at ${end}`)
    this.chains.set(chain, item.to as string)
    // Invariant 7: closed slices do not change.
    const published = this.published.get(operator.stage) ?? TIME_MIN
    if (published === TIME_MIN) return
    const frontier = operator.slices.frontier(published)
    for (const slice of slicesOf(item) ?? [bucketEnd])
      if (slice <= frontier)
        this.fail(
          `invariant 7: the slice ${slice} of ${operator.name} is closed (${published}), but ${split} adds to it`,
        )
  }
}

/** The slices that a segment adds to; undefined if the segment is split into parts. */
function slicesOf(item: Item): number[] | undefined {
  if (item.parts !== undefined) return undefined
  const data = item.data as Uint8Array
  const [bySlice, lates] = JSON.parse(String(item.packed === true ? gunzipSync(data) : Buffer.from(data)))
  return [...bySlice, ...lates].map((row: number[]) => row[0]!)
}

function listOf<T>(map: Map<string, T[]>, name: string): T[] {
  let list = map.get(name)
  if (list === undefined) {
    list = []
    map.set(name, list)
  }
  return list
}
