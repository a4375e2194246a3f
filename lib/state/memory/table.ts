import type { Item, ItemKey } from '../../ports/index.js'
import type { Sized } from '../items.js'
import type { Bounds } from '../paging.js'
import { lowerBound, SortedKeys } from './sorted-keys.js'

interface Partition {
  readonly items: Map<string, Sized>
  keys: SortedKeys
}

/** The items of a table, by partition and in the order of their sort keys. */
export class MemoryTable {
  private readonly partitions = new Map<string, Partition>()

  find(key: ItemKey): Sized | undefined {
    return this.partitions.get(key.pk)?.items.get(key.sk)
  }

  put(entry: Sized): void {
    const { pk, sk } = entry.item
    let partition = this.partitions.get(pk)
    if (!partition) {
      partition = { items: new Map(), keys: new SortedKeys() }
      this.partitions.set(pk, partition)
    }
    if (!partition.items.has(sk)) partition.keys.add(sk)
    partition.items.set(sk, entry)
  }

  /** Removes an item, as a user with the AWS console could. Stores themselves never do this. */
  remove(key: ItemKey): void {
    const partition = this.partitions.get(key.pk)
    if (!partition?.items.delete(key.sk)) return
    partition.keys = new SortedKeys()
    for (const sk of partition.items.keys()) partition.keys.add(sk)
  }

  /** The items of a partition within bounds, ascending or descending. */
  *range(pk: string, bounds: Bounds, descending = false): Generator<Sized, void, undefined> {
    const partition = this.partitions.get(pk)
    if (!partition) return
    const keys = partition.keys.sorted()
    const start = lowerBound(keys, bounds.low)
    const first = bounds.lowExcluded && keys[start] === bounds.low ? start + 1 : start
    const end = lowerBound(keys, bounds.high)
    if (descending) for (let i = end - 1; i >= first; i--) yield partition.items.get(keys[i]!)!
    else for (let i = first; i < end; i++) yield partition.items.get(keys[i]!)!
  }

  /** Every item, in the order in which the partitions and the items were first added. */
  *all(): Generator<Item, void, undefined> {
    for (const { items } of this.partitions.values()) for (const { item } of items.values()) yield item
  }
}
