import { assert } from '../../base/index.js'
import type { ItemKey, StateStore } from '../../ports/index.js'
import { checkUpdate, judge } from '../conditions.js'
import { admit, checkDistinct, checkGet, copyItem, type Sized } from '../items.js'
import { boundsOf, pageOf } from '../paging.js'
import { Meter } from '../units.js'
import { lowerBound, SortedKeys } from './sorted-keys.js'

interface Partition {
  readonly items: Map<string, Sized>
  readonly keys: SortedKeys
}

/**
 * A store in this process's memory, for tests and simulation. Nothing survives the process. Each operation happens at once, in
 * the order of the calls; items are copied on their way in and out, bytes too.
 * @example
 * const store = memoryStore()
 * await store.insert([{ pk: 'r1#orders', sk: 'shard-0', position: '000' }]) // ['inserted']
 */
export function memoryStore(): StateStore {
  const partitions = new Map<string, Partition>()
  const meter = new Meter()
  let closed = false

  const check = (): void => assert(!closed, 'a closed store is not used')
  const find = (key: ItemKey): Sized | undefined => partitions.get(key.pk)?.items.get(key.sk)

  function put(entry: Sized): void {
    const { pk, sk } = entry.item
    let partition = partitions.get(pk)
    if (!partition) {
      partition = { items: new Map(), keys: new SortedKeys() }
      partitions.set(pk, partition)
    }
    if (!partition.items.has(sk)) partition.keys.add(sk)
    partition.items.set(sk, entry)
  }

  return {
    async get(keys) {
      check()
      checkGet(keys)
      if (keys.length === 0) return []
      const found = keys.map(find)
      meter.get(found.map((entry) => entry?.bytes))
      return found.map((entry) => entry && copyItem(entry.item))
    },

    async insert(items) {
      check()
      const entries = items.map(admit)
      checkDistinct(items)
      const outcomes = entries.map((entry) => {
        const standing = find(entry.item)
        if (!standing) put(entry)
        return { attempted: entry.bytes, standing: standing?.bytes }
      })
      meter.insert(outcomes)
      return outcomes.map(({ standing }) => (standing === undefined ? 'inserted' : 'exists'))
    },

    async update(update) {
      check()
      checkUpdate(update)
      const before = find(update.key)
      const after = judge(before?.item, update)
      meter.update(before?.bytes, after?.bytes)
      if (!after) return { applied: false, item: before && copyItem(before.item) }
      put(after)
      return { applied: true, item: copyItem(after.item) }
    },

    async query(range) {
      check()
      const bounds = boundsOf(range)
      const partition = partitions.get(range.pk)
      if (!bounds || !partition) {
        meter.query(0)
        return { items: [] }
      }
      const keys = partition.keys.sorted()
      const start = lowerBound(keys, bounds.low)
      const first = bounds.lowExcluded && keys[start] === bounds.low ? start + 1 : start
      const end = lowerBound(keys, bounds.high)
      const { page, bytes } = pageOf(walk(partition.items, keys, first, end, range.descending), range.limit)
      meter.query(bytes)
      return { ...page, items: page.items.map(copyItem) }
    },

    usage: () => meter.snapshot(),

    async close() {
      closed = true
    },
  }
}

function* walk(
  items: ReadonlyMap<string, Sized>,
  keys: readonly string[],
  first: number,
  end: number,
  descending = false,
): Generator<Sized, void, undefined> {
  if (descending) for (let i = end - 1; i >= first; i--) yield items.get(keys[i]!)!
  else for (let i = first; i < end; i++) yield items.get(keys[i]!)!
}
