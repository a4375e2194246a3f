import { isDeepStrictEqual } from 'node:util'
import { fromItem } from '../../../lib/aws/dynamodb-values.js'
import type { Item, ItemKey } from '../../../lib/ports/index.js'
import type { SimulatedTable } from './table.js'

/** How an item was from an effect on. Each call leaves its own name in what it writes, as `by`. */
export interface Entry {
  readonly at: number
  readonly item: Item
}

/** Everything that happened to a table, in its order. Moments are counts of effects. */
export class Journal {
  private readonly entries = new Map<string, Entry[]>()
  private readonly table: SimulatedTable

  constructor(table: SimulatedTable) {
    this.table = table
    table.onEffect = ({ at, key, after }) => {
      const name = nameOf(key)
      const known = this.entries.get(name)
      const entry = { at, item: fromItem(after) }
      if (known === undefined) this.entries.set(name, [entry])
      else known.push(entry)
    }
  }

  get moment(): number {
    return this.table.effects
  }

  of(key: ItemKey): readonly Entry[] {
    return this.entries.get(nameOf(key)) ?? []
  }

  /** The effects of one call on one item. */
  by(call: string, key: ItemKey): readonly Entry[] {
    return this.of(key).filter(({ item }) => item.by === call)
  }

  /** How an item was before an effect; undefined where it was not. */
  before({ item, at }: Entry): Item | undefined {
    return this.of(item).findLast((entry) => entry.at < at)?.item
  }

  /** Whether the item was so at some moment from one to another. */
  was(key: ItemKey, item: Item | undefined, from: number, to: number): boolean {
    const entries = this.of(key)
    if (item === undefined) return entries.length === 0 || entries[0]!.at > from
    return entries.some(
      (entry, i) => entry.at <= to && (entries[i + 1]?.at ?? Infinity) > from && isDeepStrictEqual(entry.item, item),
    )
  }

  /** Whether a call's effect was known to be its own as long as nobody changed the item after it. */
  isCovered(call: string, key: ItemKey, to: number): boolean {
    const entries = this.of(key).filter(({ at }) => at <= to)
    return entries.at(-1)?.item.by !== call
  }

  /** The sort keys of a partition that were there at a moment. */
  *sortKeys(pk: string, moment: number): Generator<string> {
    for (const [first] of this.entries.values()) {
      if (first !== undefined && first.item.pk === pk && first.at <= moment) yield first.item.sk
    }
  }
}

const nameOf = ({ pk, sk }: ItemKey): string => `${pk} ${sk}`
