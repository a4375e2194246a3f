import type { Item, ItemKey, RangeQuery, StateStore, StoreUsage, Update } from '../lib/ports/index.js'
import { itemBytes, readUnits, writeUnits } from '../lib/state/units.js'

/** What items of state are for: blocks, slots of the ring, wakes, and the rest, which is mostly the cursor. */
export type Kind = 'blocks' | 'slots' | 'wakes' | 'cursor'
export const KINDS: readonly Kind[] = ['blocks', 'slots', 'wakes', 'cursor']

export interface KindFigures {
  reads: number
  writes: number
  readUnits: number
  writeUnits: number
}
export type Metered = Readonly<Record<Kind, KindFigures>>

const KIND_BY_LETTER: Readonly<Record<string, Kind>> = { b: 'blocks', t: 'slots', w: 'wakes' }
/** The directory of the blocks counts as one of them. */
const kindOf = (sk: string): Kind => (sk === 'd' ? 'blocks' : (KIND_BY_LETTER[sk[1] === '#' ? sk[0]! : ''] ?? 'cursor'))
const none = (): KindFigures => ({ reads: 0, writes: 0, readUnits: 0, writeUnits: 0 })
const nothing = (): Metered => ({ blocks: none(), slots: none(), wakes: none(), cursor: none() })

/**
 * A store that counts requests and units by what the items are for. With a latency, each request takes at least that
 * long.
 */
export class MeteredStore implements StateStore {
  readonly keepsExpired = true
  readonly inner: StateStore
  metered = nothing()
  /** How often the tail was folded into blocks. */
  folds = 0
  /** CPU time of the runtime, us. */
  cpuUs = 0
  /** How often a request was made while there was no other: what has to wait for something else. */
  rounds = 0
  private waiting = 0
  private readonly latencyMs: number

  constructor(inner: StateStore, latencyMs: number) {
    this.inner = inner
    this.latencyMs = latencyMs
  }

  reset(): void {
    this.metered = nothing()
    this.folds = 0
    this.cpuUs = 0
    this.rounds = 0
  }

  cpu(): NodeJS.CpuUsage {
    return process.cpuUsage()
  }

  spend(since: NodeJS.CpuUsage): void {
    const { user, system } = process.cpuUsage(since)
    this.cpuUs += user + system
  }

  private async wait(): Promise<void> {
    if (this.latencyMs === 0) return
    if (this.waiting++ === 0) this.rounds++
    await new Promise((resolve) => setTimeout(resolve, this.latencyMs))
    this.waiting--
  }

  async get(keys: readonly ItemKey[]): Promise<readonly (Item | undefined)[]> {
    const figures = this.metered[kindOf(keys[0]?.sk ?? '')]
    figures.reads++
    await this.wait()
    const items = await this.inner.get(keys)
    for (const item of items) figures.readUnits += readUnits(item === undefined ? 0 : itemBytes(item))
    return items
  }

  async insert(items: readonly Item[]) {
    const figures = this.metered[kindOf(items[0]?.sk ?? '')]
    figures.writes += Math.ceil(items.length / 25)
    for (const item of items) figures.writeUnits += writeUnits(itemBytes(item))
    await this.wait()
    return await this.inner.insert(items)
  }

  async update(update: Update) {
    const figures = this.metered[kindOf(update.key.sk)]
    figures.writes++
    if ('base' in update.set) this.folds++
    await this.wait()
    const before = this.inner.usage().writeUnits
    const pending = this.inner.update(update)
    // The memory store applies a call at once. Another one counts later, and concurrently with others.
    const atOnce = this.inner.usage().writeUnits - before
    const verdict = await pending
    figures.writeUnits += atOnce > 0 ? atOnce : writeUnits(verdict.item === undefined ? 0 : itemBytes(verdict.item))
    return verdict
  }

  async updateAll(updates: readonly Update[]) {
    const figures = this.metered[kindOf(updates[0]?.key.sk ?? '')]
    figures.writes += Math.ceil(updates.length / 25)
    await this.wait()
    const before = this.inner.usage().writeUnits
    const pending = this.inner.updateAll(updates)
    const atOnce = this.inner.usage().writeUnits - before
    const verdicts = await pending
    if (atOnce > 0) figures.writeUnits += atOnce
    else for (const { key, set } of updates) figures.writeUnits += writeUnits(itemBytes({ ...set, ...key }))
    return verdicts
  }

  async query(range: RangeQuery) {
    const figures = this.metered[kindOf(range.from)]
    figures.reads++
    await this.wait()
    const page = await this.inner.query(range)
    let bytes = 0
    for (const item of page.items) bytes += itemBytes(item)
    figures.readUnits += readUnits(bytes)
    return page
  }

  usage(): StoreUsage {
    return this.inner.usage()
  }

  async close(): Promise<void> {
    await this.inner.close()
  }
}
