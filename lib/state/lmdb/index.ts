import { assert, messageOf, RetryableError } from '../../base/index.js'
import type { Attribute, Item, ItemKey, StateStore, Update } from '../../ports/index.js'
import { APPLIED, checkUpdate, checkUpdates, judge } from '../conditions.js'
import { admit, checkDistinct, checkGet, type Sized } from '../items.js'
import { type Bounds, boundsOf, pageOf } from '../paging.js'
import { itemBytes, Meter } from '../units.js'
import { type Database, openDatabase } from './environment.js'
import { databaseKey } from './keys.js'

/**
 * A store in a directory of this machine, which is created if it does not exist. Any number of processes may use it at
 * once: conditions are evaluated inside write transactions, of which LMDB runs one at a time, and the lock is released
 * if its process dies.
 *
 * When a write is acknowledged, its transaction is complete in the file and has been flushed (fdatasync, on macOS
 * F_FULLFSYNC), before any process could read it. So it always survives the death of the process, including SIGKILL. It
 * survives a system crash or a power loss if the disk keeps what it reports as flushed. A write that was not
 * acknowledged is either complete or absent, item by item. LMDB does not support network file systems.
 *
 * @throws {ConfigError} `missing-package`, `store-unusable` or `store-format`
 * @example
 * const store = await lmdbStore('.millrace/state')
 */
export async function lmdbStore(dir: string): Promise<StateStore> {
  const database = await openDatabase(dir)
  const meter = new Meter()
  let closing: Promise<void> | undefined

  const underWay = new Set<Promise<unknown>>()

  const check = (): void => assert(!closing, 'a closed store is not used')

  function write<T>(body: () => T): Promise<T> {
    const written = commit(database, body)
    underWay.add(written)
    return written.finally(() => underWay.delete(written))
  }

  /** Makes an update inside a write transaction. */
  function apply(
    update: Update,
    key: Uint8Array,
  ): { readonly before: Sized | undefined; readonly after: Sized | undefined } {
    const before = read(database, key)
    const after = judge(before?.item, update)
    if (after) database.put(key, after.item)
    return { before, after }
  }

  /** Waits for transactions that have not begun: a closing database would refuse their writes. */
  async function close(): Promise<void> {
    await Promise.allSettled(underWay)
    await database.close()
  }

  return {
    keepsExpired: true,

    async get(keys) {
      check()
      checkGet(keys)
      if (keys.length === 0) return []
      // Without this, a read may see the snapshot of an earlier read in the same turn of the event loop (invariant 12).
      database.resetReadTxn()
      const found = keys.map((key) => read(database, databaseKey(key)))
      meter.get(found.map((entry) => entry?.bytes))
      return found.map((entry) => entry?.item)
    },

    async insert(items) {
      check()
      // Everything that can fail is done before the transaction, because LMDB would commit what was written before the
      // failure.
      const entries = items.map((item) => ({ ...admit(item), key: databaseKey(item) }))
      checkDistinct(items)
      if (items.length === 0) return []
      const outcomes = await write(() =>
        entries.map(({ item, bytes, key }) => {
          const standing = read(database, key)
          if (!standing) database.put(key, item)
          return { attempted: bytes, standing: standing?.bytes }
        }),
      )
      meter.insert(outcomes)
      return outcomes.map(({ standing }) => (standing === undefined ? 'inserted' : 'exists'))
    },

    async update(update) {
      check()
      checkUpdate(update)
      const key = databaseKey(update.key)
      const { before, after } = await write(() => apply(update, key))
      meter.update({ before: before?.bytes, after: after?.bytes })
      return after ? { applied: true, item: after.item } : { applied: false, item: before?.item }
    },

    async updateAll(updates) {
      check()
      checkUpdates(updates)
      if (updates.length === 0) return []
      const keys = updates.map(({ key }) => databaseKey(key))
      const outcomes = await write(() => updates.map((update, i) => apply(update, keys[i]!)))
      meter.update(...outcomes.map(({ before, after }) => ({ before: before?.bytes, after: after?.bytes })))
      return outcomes.map(({ before, after }) => (after ? APPLIED : { applied: false, item: before?.item }))
    },

    async query(range) {
      check()
      const bounds = boundsOf(range)
      database.resetReadTxn()
      const { page, bytes } = pageOf(bounds ? walk(database, range.pk, bounds, range.descending) : [], range.limit)
      meter.query(bytes)
      return page
    },

    usage: () => meter.snapshot(),

    close() {
      closing ??= close()
      return closing
    },
  }
}

/** Calls in one turn of the event loop share a commit, but each one is still decided after the previous ones. */
async function commit<T>(database: Database, body: () => T): Promise<T> {
  let thrown: { error: unknown } | undefined
  try {
    return await database.transaction(() => {
      try {
        return body()
      } catch (error) {
        thrown = { error }
        throw error
      }
    })
  } catch (cause) {
    if (thrown) throw thrown.error
    throw new RetryableError('store-write', `The embedded store could not commit (${await reasonOf(cause)}).`, {
      cause,
    })
  }
}

/**
 * The library also rejects a second promise with the reason, at the same time. Nothing else handles that promise, and
 * it may never settle.
 */
async function reasonOf(thrown: unknown): Promise<string> {
  const reason = (thrown as { commitError?: Promise<never> }).commitError?.catch((error) => error)
  const next = new Promise((resolve) => setImmediate(resolve))
  return messageOf((await Promise.race([reason, next])) ?? thrown)
}

function read(database: Database, key: Uint8Array): Sized | undefined {
  const stored = database.get(key)
  return stored && itemOf(stored)
}

/**
 * The library decodes bytes as Buffers, whose `slice` and `toJSON` differ from those of the arrays that were stored.
 */
function itemOf(stored: Record<string, unknown>): Sized {
  for (const name in stored) {
    const value = stored[name]
    if (Buffer.isBuffer(value)) stored[name] = new Uint8Array(value.buffer, value.byteOffset, value.length)
  }
  const item = Object.freeze(stored as Record<string, Attribute> & ItemKey) as Item
  return { item, bytes: itemBytes(item) }
}

function* walk(database: Database, pk: string, bounds: Bounds, descending = false): Generator<Sized, void, undefined> {
  const low = databaseKey({ pk, sk: bounds.low })
  const high = databaseKey({ pk, sk: bounds.high })
  const range = descending
    ? { start: high, end: low, reverse: true, exclusiveStart: true, inclusiveEnd: true }
    : { start: low, end: high, exclusiveStart: bounds.lowExcluded }
  for (const { value } of database.getRange(range)) yield itemOf(value)
}
