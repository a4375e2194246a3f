import { assert } from '../../base/index.js'
import type { StateStore } from '../../ports/index.js'
import { checkUpdate, judge } from '../conditions.js'
import { admit, checkDistinct, checkGet, copyItem } from '../items.js'
import { boundsOf, pageOf } from '../paging.js'
import { Meter } from '../units.js'
import { MemoryTable } from './table.js'

export { MemoryTable } from './table.js'

/**
 * A store in this process's memory, for tests and simulation. Nothing survives the process. Operations are applied
 * immediately, in the order of the calls. Items are copied on their way in and out, including bytes. Stores over the
 * same `table` share its items.
 * @example
 * const store = memoryStore()
 * await store.insert([{ pk: 'r1#orders', sk: 'shard-0', position: '000' }]) // ['inserted']
 */
export function memoryStore(table = new MemoryTable()): StateStore {
  const meter = new Meter()
  let closed = false
  const check = (): void => assert(!closed, 'a closed store is not used')

  return {
    keepsExpired: true,

    async get(keys) {
      check()
      checkGet(keys)
      if (keys.length === 0) return []
      const found = keys.map((key) => table.find(key))
      meter.get(found.map((entry) => entry?.bytes))
      return found.map((entry) => entry && copyItem(entry.item))
    },

    async insert(items) {
      check()
      const entries = items.map(admit)
      checkDistinct(items)
      const outcomes = entries.map((entry) => {
        const standing = table.find(entry.item)
        if (!standing) table.put(entry)
        return { attempted: entry.bytes, standing: standing?.bytes }
      })
      meter.insert(outcomes)
      return outcomes.map(({ standing }) => (standing === undefined ? 'inserted' : 'exists'))
    },

    async update(update) {
      check()
      checkUpdate(update)
      const before = table.find(update.key)
      const after = judge(before?.item, update)
      meter.update(before?.bytes, after?.bytes)
      if (!after) return { applied: false, item: before && copyItem(before.item) }
      table.put(after)
      return { applied: true, item: copyItem(after.item) }
    },

    async query(range) {
      check()
      const bounds = boundsOf(range)
      if (!bounds) {
        meter.query(0)
        return { items: [] }
      }
      const { page, bytes } = pageOf(table.range(range.pk, bounds, range.descending), range.limit)
      meter.query(bytes)
      return { ...page, items: page.items.map(copyItem) }
    },

    usage: () => meter.snapshot(),

    async close() {
      closed = true
    },
  }
}
