import { describe, expect, it } from 'vitest'
import { callback, fileSource, outOfOrder, pipeline, value } from '../../lib/index.js'
import type { Item, StateStore } from '../../lib/ports/index.js'
import { Blocks, type Leaf } from '../../lib/runtime/keyed/blocks.js'
import { placeOf, type StateGroup } from '../../lib/runtime/keyed/group.js'
import type { KeyRecord } from '../../lib/runtime/keyed/key-record.js'
import { nameOf, ROOT, Splits } from '../../lib/runtime/keyed/splits.js'
import { LIMITS } from '../../lib/runtime/limits.js'
import { EVERY_KEY } from '../../lib/runtime/segment.js'
import { MemoryTable, memoryStore } from '../../lib/state/memory/index.js'
import { itemBytes } from '../../lib/state/units.js'
import { Random } from '../../lib/testing/random.js'
import { fileEvent, Harness } from './harness.js'

const BLOCK_BYTES = 500
const KEYS = 1_500

/** A key group on a table of its own, whose store notes its calls. */
function world(blockBytes = BLOCK_BYTES) {
  const table = new MemoryTable()
  const store = memoryStore(table)
  const calls: string[] = []
  const noted: StateStore = {
    ...store,
    get: (keys) => store.get(keys).finally(() => calls.push('get')),
    update: (update) => store.update(update).finally(() => calls.push('update')),
    updateAll: (updates) => store.updateAll(updates).finally(() => calls.push('updateAll')),
  }
  const services = { store: noted, metrics: { add: () => undefined } }
  const host = { prefix: 'shop.1', limits: { ...LIMITS, blockBytes }, services }
  const group = { host, operator: { name: 'op', keyGroups: 1 }, keyGroup: 0 } as unknown as StateGroup
  const items = (kind: string): Item[] => [...table.all()].filter(({ sk }) => sk.startsWith(kind))
  return { table, store, calls, group, items }
}

const record = (i: number, state: string): KeyRecord => ({
  ...EVERY_KEY.of(`k${i}`),
  state,
  due: undefined,
  wake: undefined,
})
const place = ({ hash }: KeyRecord): number => placeOf(hash, 1)
const all = Array.from({ length: KEYS }, (_, i) => record(i, `{"n":${i},"x":"${Math.imul(i, 0x9e37_79b1)}"}`))

async function write(blocks: Blocks, records: readonly KeyRecord[], asOf: number): Promise<void> {
  await blocks.load(records.map(place), asOf)
  const byLeaf = new Map<Leaf, KeyRecord[]>()
  for (const one of records) {
    const leaf = blocks.leafOf(place(one))
    byLeaf.set(leaf, [...(byLeaf.get(leaf) ?? []), one])
  }
  expect(await blocks.write([...byLeaf], asOf)).toBe(true)
  await blocks.list()
}

/** Writes all records in some rounds, as a state grows. */
async function grown(group: StateGroup): Promise<Blocks> {
  const blocks = new Blocks(group)
  for (let asOf = 1; asOf <= 5; asOf++) await write(blocks, all.slice((asOf - 1) * 300, asOf * 300), asOf)
  return blocks
}

/** Opens the key group in another container. Returns what it reads of the records, and its requests. */
async function cold({ group, calls, store }: ReturnType<typeof world>, records: readonly KeyRecord[] = all) {
  const blocks = new Blocks(group)
  calls.length = 0
  const before = store.usage().readUnits
  await blocks.load(records.map(place), 5)
  const states = records.map((one) => blocks.leafOf(place(one)).records.get(one.text)?.state)
  return { states, requests: calls.length, units: store.usage().readUnits - before, blocks }
}
const wanted = all.map(({ state }) => state)

describe('invariant 11: the blocks of keyed state', () => {
  it('are no larger than their limit as they are stored, with all attributes', async () => {
    for (const blockBytes of [BLOCK_BYTES, 1024, 2048]) {
      const it = world(blockBytes)
      await grown(it.group)
      const leaves = it.items('b#').filter(({ levels }) => levels === 0)
      const sizes = leaves.filter(({ n }) => (n as number) > 1).map(itemBytes)
      // The children of a split are not measured: few are larger.
      expect(sizes.filter((bytes) => bytes > blockBytes).length).toBeLessThan(sizes.length / 10)
      expect(Math.max(...sizes)).toBeLessThan(2 * blockBytes)
      expect(sizes.reduce((sum, bytes) => sum + bytes, 0) / sizes.length).toBeGreaterThan(0.45 * blockBytes)
      expect((await cold(it)).states).toEqual(wanted)
    }
  })

  it('are split when they compress too well: a reader of one key unpacks little', async () => {
    const it = world(2048)
    const equal = all.map((_, i) => record(i, `{"x":"${'x'.repeat(300)}"}`)).slice(0, 400)
    for (const asOf of [1, 2]) await write(new Blocks(it.group), equal, asOf)
    const leaves = it.items('b#').filter(({ levels }) => levels === 0)
    expect(Math.max(...leaves.map(({ n }) => n as number))).toBeLessThan((1.5 * 8 * 2048) / 300)
  })

  it('are updated many a request', async () => {
    const it = world()
    const blocks = await grown(it.group)
    it.calls.length = 0
    const before = it.store.usage().requests
    const changed = all.map((one) => ({ ...one, state: '{}' }))
    await write(blocks, changed, 6)
    const leaves = it.items('b#').filter(({ levels }) => levels === 0).length
    expect(leaves).toBeGreaterThan(200)
    expect(it.calls).toEqual(['updateAll'])
    expect(it.store.usage().requests - before).toBe(Math.ceil(leaves / 25))
  })

  it('are counted with their splits, which are kept when the leaves are dropped', async () => {
    const it = world()
    const blocks = await grown(it.group)
    const { bytes } = blocks
    blocks.trim(bytes / 2)
    expect(blocks.bytes).toBeLessThanOrEqual(bytes / 2)
    blocks.trim(0)
    const splits = it.items('b#').filter(({ levels }) => (levels as number) > 0).length
    expect(blocks.bytes).toBeGreaterThanOrEqual(40 * splits)
    it.calls.length = 0
    await blocks.load([place(all[0]!)], 5)
    expect(it.calls).toEqual(['get'])
    blocks.clear()
    expect(blocks.bytes).toBe(0)
  })
})

describe('invariant 8: attempts that write the same blocks', () => {
  /** Two containers that have read the root while it was a leaf. */
  async function both() {
    const it = world()
    await write(new Blocks(it.group), all.slice(0, 2), 1)
    const [a, b] = [new Blocks(it.group), new Blocks(it.group)]
    for (const one of [a, b]) await one.load([0], 1)
    const states = async (records: readonly KeyRecord[]) => (await cold(it, records)).states
    return { a, b, states }
  }
  const few = [{ ...all[0]!, state: '{"n":"new"}' }]

  it('a block that was split stays split, though a later slot has changes for it', async () => {
    const { a, b, states } = await both()
    expect(await a.write([[a.leafOf(0), all.slice(2, 40)]], 2)).toBe(true)
    expect(await b.write([[b.leafOf(0), few]], 3)).toBe(false)
    expect(await states(all.slice(0, 40))).toEqual(wanted.slice(0, 40))
    // Its changes are written again, into the leaves that there are now.
    await write(b, few, 3)
    expect(await states(all.slice(0, 2))).toEqual([few[0]!.state, wanted[1]])
  })

  it('a block is not split by an attempt that is behind it', async () => {
    const { a, b, states } = await both()
    expect(await b.write([[b.leafOf(0), few]], 3)).toBe(true)
    expect(await a.write([[a.leafOf(0), all.slice(2, 40)]], 2)).toBe(false)
    expect(await states(all.slice(0, 2))).toEqual([few[0]!.state, wanted[1]])
  })

  it('one that is behind changes nothing: the other has written its changes too', async () => {
    const { a, b, states } = await both()
    expect(await b.write([[b.leafOf(0), few]], 3)).toBe(true)
    expect(await a.write([[a.leafOf(0), all.slice(0, 1)]], 2)).toBe(true)
    expect(await states(few)).toEqual([few[0]!.state])
  })
})

describe('the directory of splits', () => {
  it('opens a key group with one request, and one for each 100 blocks', async () => {
    const it = world()
    await grown(it.group)
    const leaves = it.items('b#').filter(({ levels }) => levels === 0).length
    const { states, requests } = await cold(it)
    expect(states).toEqual(wanted)
    // It was stored before the last few splits.
    expect(requests).toBeLessThanOrEqual(1 + Math.ceil(leaves / 100) + 1)
    expect((await cold(it, all.slice(0, 1))).requests).toBeLessThanOrEqual(3)
  })

  it('is a hint: without it, or with an old one that replaced it, more is read and the same is found', async () => {
    const it = world()
    const blocks = new Blocks(it.group)
    for (const asOf of [1, 2, 3]) await write(blocks, all.slice((asOf - 1) * 300, asOf * 300), asOf)
    const [old] = it.items('d')
    for (let asOf = 4; asOf <= 5; asOf++) await write(blocks, all.slice((asOf - 1) * 300, asOf * 300), asOf)
    const [newest] = it.items('d')
    expect(newest!.known).toBeGreaterThan(old!.known as number)
    const best = await cold(it)
    const { pk, sk, ...set } = old!
    await it.store.update({ key: { pk, sk }, set, when: [] })
    const older = await cold(it)
    it.table.remove({ pk, sk })
    const none = await cold(it)
    for (const { states } of [best, older, none]) expect(states).toEqual(wanted)
    expect(best.requests).toBeLessThan(none.requests)
    expect(best.units).toBeLessThan(older.units)
    expect(older.units).toBeLessThan(none.units)
    // Who opened with less has found the rest, and stores it with the next fold that needs it.
    await none.blocks.list()
    expect((await cold(it)).units).toBeLessThanOrEqual(best.units)
  })

  it('that is damaged is not used', async () => {
    const it = world()
    await grown(it.group)
    const [{ pk, sk, data, known }] = it.items('d') as [Item]
    const bytes = Uint8Array.from(data as Uint8Array)
    bytes[bytes.length >> 1]! ^= 1
    for (const set of [
      { data: bytes, known: known! },
      { data: data!, known: 1 },
    ]) {
      await it.store.update({ key: { pk, sk }, set, when: [] })
      await expect(cold(it)).rejects.toMatchObject({ code: 'damaged-state' })
    }
  })

  it('is bounded: the deepest splits are left out', () => {
    const random = new Random(1)
    const full = new Splits()
    full.add(ROOT, 3)
    for (let i = 0; i < 3_000; i++) {
      const leaf = full.leafAt(random.below(2 ** 32))
      if (leaf.depth < 28) full.add(leaf, 1 + random.below(4))
    }
    for (const bytesMax of [1, 7, 500, 1_000_000]) {
      const bytes = full.encode(bytesMax)
      expect(bytes.length).toBeLessThanOrEqual(bytesMax)
      const read = new Splits()
      read.decode(bytes)
      let shorter = 0
      for (let i = 0; i < 500; i++) {
        const at = random.below(2 ** 32)
        const [known, leaf] = [read.leafAt(at), full.leafAt(at)]
        expect(known.depth).toBeLessThanOrEqual(leaf.depth)
        if (nameOf(known) !== nameOf(leaf)) shorter++
      }
      expect([read.size === full.size, shorter === 0]).toEqual(bytesMax === 1_000_000 ? [true, true] : [false, false])
    }
  })
})

describe('the cache of a container', () => {
  const SLICE_MS = 1_000
  interface Row {
    readonly t: number
    readonly k: string
  }
  const counted = () =>
    pipeline('shop', { keyGroups: 1, minAdvance: 0 }, (p) =>
      p
        .from(fileSource('readings', { timestamp: (e: Row) => e.t, watermark: outOfOrder(0) }))
        .keyBy((e) => e.k)
        .process(
          'seen',
          { state: { n: value(0) }, every: SLICE_MS },
          {
            onRow(ctx) {
              ctx.state.n.set(ctx.state.n.get() + 1)
              return [{ key: ctx.key, n: ctx.state.n.get() }]
            },
          },
        )
        .to(callback('out', () => undefined)),
    )

  it('loses blocks when it is too large, and keeps the tail and the splits', async () => {
    const limits = { advanceBytes: 16_000, blockBytes: 300, tailBytes: 600 }
    const it = new Harness(counted(), { limits })
    const container = it.container()
    let offset = 0
    let t = it.now
    const close = async (keys: readonly string[]): Promise<void> => {
      t += SLICE_MS
      await container.ingest(
        fileEvent(
          'readings',
          'p',
          offset,
          keys.map((k) => ({ t, k })),
        ),
      )
      offset += keys.length
    }
    for (let round = 0; round < 3; round++) await close(Array.from({ length: 300 }, (_, i) => `k${i}`))
    await close(['k1'])
    await close(['k2'])
    it.calls.length = 0
    const some = Array.from({ length: 20 }, (_, i) => `k${10 * i + 5}`)
    await close(some)
    await close(['k4'])
    expect(
      it.rows
        .get('out')!
        .slice(-20)
        .map(({ n }) => n),
    ).toEqual(some.map(() => 4))
    const gets = it.calls.filter((call) => call.startsWith('get '))
    const read = (kind: string): string[] => gets.filter((call) => call.includes(kind))
    // Both times, the blocks of the keys are read at once, because their places are known; the slots of the tail are
    // held.
    expect(read('b#')).toHaveLength(2)
    expect([read('t#'), read(' d')]).toEqual([[], []])
  })
})
