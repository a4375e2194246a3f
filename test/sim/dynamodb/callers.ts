import { MillraceError } from '../../../lib/base/index.js'
import type {
  InsertVerdict,
  Item,
  ItemKey,
  Page,
  RangeQuery,
  StateStore,
  Update,
  UpdateAllVerdict,
  UpdateVerdict,
} from '../../../lib/ports/index.js'
import type { Random } from '../../../lib/testing/random.js'
import type { Journal } from './journal.js'

/** A call of the store, and what came of it. */
export interface Call {
  readonly id: string
  readonly asked:
    | { readonly kind: 'insert'; readonly items: readonly Item[]; verdicts?: readonly InsertVerdict[] }
    | { readonly kind: 'update'; readonly update: Update; verdict?: UpdateVerdict }
    | { readonly kind: 'updateAll'; readonly updates: readonly Update[]; verdicts?: readonly UpdateAllVerdict[] }
    | { readonly kind: 'get'; readonly keys: readonly ItemKey[]; items?: readonly (Item | undefined)[] }
    | { readonly kind: 'query'; readonly range: RangeQuery; page?: Page }
  readonly from: number
  to: number
  error: unknown
  /** It met a fault after which it cannot know whether its write had its effect. */
  isUncertain: boolean
  /** A write of it was held, and may land after its answer. */
  isHeld: boolean
  /**
   * The answer does not say what stood in the way of an update: the store looks, a moment later. So it is with updates
   * that are made together, and where the store takes the service for an old one.
   */
  readonly looksLater: boolean
}

export interface CallerOptions {
  readonly name: string
  /** See `Call`. */
  readonly looksLater: boolean
  /** Of an item, roughly. */
  readonly bytesMax: number
}

/**
 * One who calls a store, a call after the other, by the seed. What it has seen it takes for granted in its next
 * updates.
 */
export class Caller {
  readonly calls: Call[] = []
  private readonly store: StateStore
  private readonly random: Random
  private readonly journal: Journal
  private readonly options: CallerOptions
  private readonly seen = new Map<string, number>()

  constructor(store: StateStore, random: Random, journal: Journal, options: CallerOptions) {
    this.options = options
    this.store = store
    this.random = random
    this.journal = journal
  }

  /** Told of each fault that strikes a call of this caller. */
  mark(isUncertain: boolean, isHeld: boolean): void {
    const call = this.calls.at(-1)!
    call.isUncertain ||= isUncertain
    call.isHeld ||= isHeld
  }

  async run(calls: number): Promise<void> {
    for (let n = 0; n < calls; n++) {
      const kind = this.random.below(10)
      if (kind < 3) await this.call({ kind: 'insert', items: this.items() })
      else if (kind < 5) await this.call({ kind: 'update', update: this.update() })
      else if (kind < 6) await this.call({ kind: 'updateAll', updates: this.updates() })
      else if (kind < 8) await this.call({ kind: 'get', keys: this.keys(1 + this.random.below(6)) })
      else await this.read()
    }
    await this.store.close()
  }

  /** Reads a range page by page. */
  private async read(): Promise<void> {
    const [a, b] = [sortKey(this.random.below(SORT_KEYS)), sortKey(this.random.below(SORT_KEYS))].sort()
    const limit = this.random.below(3) === 0 ? undefined : 1 + this.random.below(4)
    const from = this.random.below(4) === 0 ? '' : a!
    const range = { pk: this.partition(), from, to: b!, descending: this.random.below(2) === 0, limit }
    let after: string | undefined
    do {
      const { asked } = await this.call({ kind: 'query', range: { ...range, after } })
      after = asked.kind === 'query' ? asked.page?.next : undefined
    } while (after !== undefined)
  }

  private async call(asked: Call['asked']): Promise<Call> {
    const { journal } = this
    const { moment } = journal
    const looksLater = asked.kind === 'updateAll' || this.options.looksLater
    const flags = { error: undefined, isUncertain: false, isHeld: false, looksLater }
    const call: Call = { id: this.nextId(), asked, from: moment, to: moment, ...flags }
    this.calls.push(call)
    try {
      await this.make(asked)
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      call.error = error
    }
    call.to = journal.moment
    return call
  }

  private async make(asked: Call['asked']): Promise<void> {
    const { store } = this
    if (asked.kind === 'insert') {
      asked.verdicts = await store.insert(asked.items)
    } else if (asked.kind === 'update') {
      asked.verdict = await store.update(asked.update)
      this.see(asked.verdict.item)
    } else if (asked.kind === 'updateAll') {
      asked.verdicts = await store.updateAll(asked.updates)
    } else if (asked.kind === 'get') {
      asked.items = await store.get(asked.keys)
      for (const item of asked.items) this.see(item)
    } else {
      asked.page = await store.query(asked.range)
      for (const item of asked.page.items) this.see(item)
    }
  }

  private see(item: Item | undefined): void {
    if (item !== undefined) this.seen.set(`${item.pk} ${item.sk}`, item.n as number)
  }

  private nextId(): string {
    return `${this.options.name}${this.calls.length}`
  }

  private partition(): string {
    return this.random.below(3) === 0 ? 'q' : 'p'
  }

  private keys(n: number): ItemKey[] {
    const keys = new Map<string, ItemKey>()
    for (let i = 0; i < n; i++) {
      const key = { pk: this.partition(), sk: sortKey(this.random.below(SORT_KEYS)) }
      keys.set(`${key.pk} ${key.sk}`, key)
    }
    return [...keys.values()]
  }

  private items(): Item[] {
    const { random } = this
    const { bytesMax } = this.options
    const n = bytesMax < 1_000 && random.below(4) === 0 ? 40 : 1 + random.below(5)
    const size = random.below(bytesMax)
    const by = this.nextId()
    return this.keys(n).map((key) => ({ ...key, n: 0, by, b: new Uint8Array(size).fill(random.below(256)) }))
  }

  /** Updates as the protocol makes them: their own effect falsifies their condition for good. */
  private update(): Update {
    return this.updateOf(this.keys(1)[0]!)
  }

  private updates(): Update[] {
    const { random } = this
    return this.keys(random.below(4) === 0 ? 30 : 1 + random.below(5)).map((key) => this.updateOf(key))
  }

  private updateOf(key: ItemKey): Update {
    const { random } = this
    const n = this.seen.get(`${key.pk} ${key.sk}`) ?? random.below(2)
    const by = this.nextId()
    switch (random.below(4)) {
      case 0:
        return { key, set: { by, first: true }, remove: ['b'], when: [{ attribute: 'first', is: 'absent' }] }
      case 1: {
        const to = n + 1 + random.below(3)
        return { key, set: { n: to, by }, when: [{ attribute: 'n', is: 'below', value: to }] }
      }
      default:
        return { key, set: { n: n + 1, by }, when: [{ attribute: 'n', is: 'equal', value: n }] }
    }
  }
}

const SORT_KEYS = 60
const sortKey = (n: number): string => `k${String(n).padStart(2, '0')}`
