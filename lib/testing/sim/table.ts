import type { InsertVerdict, Item, StateStore, Update, UpdateAllVerdict, UpdateVerdict } from '../../ports/index.js'
import { MemoryTable, memoryStore } from '../../state/memory/index.js'
import type { Invariants } from './invariants.js'
import { injected, type Ports } from './ports.js'
import type { Process } from './process.js'

const BURST_MS_MAX = 20_000

/**
 * The table of a simulated region. Each process has a store of its own on it, and every request may fail in every way.
 */
export class SimTable {
  readonly items = new MemoryTable()
  /** The table as an operator's command uses it: nothing fails, but every write is checked. */
  readonly direct: StateStore
  private readonly inner: StateStore = memoryStore(this.items)
  checks!: Invariants
  /** Called when a position or a cursor has moved. */
  onMove: (process: Process) => void = () => undefined
  /** Called when a split stops: an alarm. */
  onStop: () => void = () => undefined
  private readonly ports: Ports
  private burstUntil = Number.NEGATIVE_INFINITY

  constructor(ports: Ports) {
    this.ports = ports
    this.direct = {
      ...this.inner,
      keepsExpired: false,
      insert: (items) => this.insert(items),
      update: (update) => this.update(update),
      updateAll: (updates) => this.updateAll(updates),
    }
  }

  /** Deletes some items that are past their time to live. */
  expire(): void {
    const { swarm, scheduler } = this.ports
    for (const item of [...this.items.all()]) {
      if (item.ttl === undefined || (item.ttl as number) * 1000 > scheduler.now || swarm.below(3) === 0) continue
      this.items.remove(item)
      swarm.count('expiry')
    }
  }

  store(process: Process): StateStore {
    const { inner } = this
    const { name } = process
    return {
      get: (keys) => this.request(process, `${name} get ${keys.map(nameOf).join(' ')}`, false, () => inner.get(keys)),
      insert: (items) =>
        this.request(process, `${name} insert ${items.map(segmentOf).join(' ')}`, true, () => this.insertSome(items)),
      update: (update) =>
        this.request(process, `${name} update ${nameOf(update.key)} ${JSON.stringify(update.set)}`, true, () =>
          this.updateBy(process, update),
        ),
      updateAll: (updates) =>
        this.request(process, `${name} update ${updates.map(({ key }) => nameOf(key)).join(' ')}`, true, () =>
          this.updateSome(updates),
        ),
      query: (range) =>
        this.request(process, `${name} query ${range.pk} ${range.from}`, false, () => inner.query(range)),
      usage: () => inner.usage(),
      close: async () => undefined,
    }
  }

  private async insertSome(items: readonly Item[]): Promise<readonly InsertVerdict[]> {
    const { swarm } = this.ports
    if (items.length === 1 || !swarm.strikes('partial-batch')) return await this.insert(items)
    await this.insert(items.filter(() => swarm.below(2) === 0))
    throw injected('unknown-outcome', 'some items were written')
  }

  private async insert(items: readonly Item[]): Promise<readonly InsertVerdict[]> {
    const verdicts = await this.inner.insert(items)
    for (const [i, verdict] of verdicts.entries()) if (verdict === 'inserted') this.checks.inserted(items[i]!)
    return verdicts
  }

  private async update(update: Update): Promise<UpdateVerdict> {
    const before = this.items.find(update.key)?.item
    const verdict = await this.inner.update(update)
    if (verdict.applied) {
      this.checks.updated(before!, verdict.item)
      if (verdict.item.stopped !== before!.stopped) this.onStop()
    }
    return verdict
  }

  private async updateSome(updates: readonly Update[]): Promise<readonly UpdateAllVerdict[]> {
    const { swarm } = this.ports
    if (updates.length === 1 || !swarm.strikes('partial-batch')) return await this.updateAll(updates)
    await this.updateAll(updates.filter(() => swarm.below(2) === 0))
    throw injected('unknown-outcome', 'some updates were made')
  }

  private async updateAll(updates: readonly Update[]): Promise<readonly UpdateAllVerdict[]> {
    const before = updates.map(({ key }) => this.items.find(key)?.item)
    const pending = this.inner.updateAll(updates)
    // The memory store applies a call at once.
    const after = updates.map(({ key }) => this.items.find(key)?.item)
    const verdicts = await pending
    for (const [i, { applied }] of verdicts.entries()) if (applied) this.checks.updated(before[i]!, after[i]!)
    return verdicts
  }

  private async updateBy(process: Process, update: Update): Promise<UpdateVerdict> {
    if (update.set.position !== undefined || update.set.cursor !== undefined) this.onMove(process)
    return await this.update(update)
  }

  private request<T>(process: Process, label: string, isWrite: boolean, effect: () => Promise<T>): Promise<T> {
    const { ports } = this
    const { swarm, scheduler } = ports
    return ports.call(process, label, isWrite, async () => {
      if (swarm.strikes('throttle')) throw injected('throttled', 'the table throttles')
      if (swarm.strikes('throttle-burst')) this.burstUntil = scheduler.now + swarm.below(BURST_MS_MAX)
      if (scheduler.now < this.burstUntil && !swarm.hasEnded && swarm.below(2) === 0)
        throw injected('throttled', 'the table throttles for seconds')
      if (swarm.strikes('lost-request')) throw injected('unknown-outcome', 'the request was lost')
      if (isWrite && swarm.strikes('late-effect')) {
        ports.later(`late: ${label}`, effect)
        throw injected('unknown-outcome', 'no answer, and the write takes effect later')
      }
      const result = await effect()
      if (swarm.strikes('lost-answer')) throw injected('unknown-outcome', 'the answer was lost')
      return result
    })
  }
}

const nameOf = ({ pk, sk }: { pk: string; sk: string }): string => `${pk} ${sk}`
const segmentOf = (item: Item): string => `${item.pk} ${item.sk}${item.to === undefined ? '' : `->${String(item.to)}`}`
