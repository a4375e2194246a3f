import { assert } from '../../base/index.js'
import type { StateStore, Update, UpdateVerdict } from '../../ports/index.js'
import { APPLIED, checkUpdate, checkUpdates, judge } from '../conditions.js'
import { admit, checkDistinct, checkGet, copyItem } from '../items.js'
import { boundsOf, pageOf } from '../paging.js'
import { Meter, type Sizes } from '../units.js'
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

  function apply(update: Update): { readonly verdict: UpdateVerdict; readonly sizes: Sizes } {
    const before = table.find(update.key)
    const after = judge(before?.item, update)
    const sizes = { before: before?.bytes, after: after?.bytes }
    if (!after) return { verdict: { applied: false, item: before && copyItem(before.item) }, sizes }
    table.put(after)
    return { verdict: { applied: true, item: copyItem(after.item) }, sizes }
  }

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
      const { verdict, sizes } = apply(update)
      meter.update(sizes)
      return verdict
    },

    async updateAll(updates) {
      check()
      checkUpdates(updates)
      const applied = updates.map(apply)
      meter.update(...applied.map(({ sizes }) => sizes))
      return applied.map(({ verdict }) => (verdict.applied ? APPLIED : verdict))
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
