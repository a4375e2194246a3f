import { describe, expect, it } from 'vitest'
import { MillraceError } from '../../lib/index.js'
import type { Item, ItemKey } from '../../lib/ports/index.js'
import { admit } from '../../lib/state/items.js'
import type { MemoryTable } from '../../lib/state/memory/index.js'
import { Random } from '../../lib/testing/random.js'
import { flipped } from '../../lib/testing/sim/vandal.js'
import { draws } from '../draws.js'
import { fileEvent, Harness, undoneOf } from '../runtime/harness.js'
import { at, counting } from '../runtime/pipelines.js'

/**
 * State that is damaged while a pipeline rests: whatever goes on from it gives the same rows, or says by name what is
 * wrong.
 */

const NAMED = new Set([
  'damaged-state',
  'lost-state',
  'unknown-format',
  'graph-changed',
  'state-expired',
  'split-stopped',
  'split-ended',
])
const KEYS = ['a', 'b', 'c', 'd', 'e']
const limits = { segmentBytes: 30 }
/** How often each attribute is changed. */
const FLIPS = draws(1, 4)

/** Two splits, late rows, segments in parts; everything is counted but the last batch, and nothing is closed. */
async function rested(): Promise<Harness> {
  const world = new Harness(counting({ keyGroups: 2, lateness: '20s', accumulation: 'retracting' }), { limits })
  const { ingest } = world.container()
  world.sources.readings!.splits = ['p', 'q'].map((split) => ({ split, closed: false }))
  world.sources.readings!.waiting = new Set(['p', 'q'])
  await ingest(
    fileEvent(
      'readings',
      'p',
      0,
      KEYS.map((key, i) => at(i + 1, key, i)),
    ),
  )
  await ingest(
    fileEvent(
      'readings',
      'q',
      0,
      KEYS.map((key, i) => at(i + 2, key, i)),
    ),
  )
  await ingest(fileEvent('readings', 'p', 5, [at(16, 'a'), at(4, 'b'), at(17, 'c')]))
  await ingest(fileEvent('readings', 'q', 5, [at(18, 'd'), '{bad']))
  await world.container().tick()
  return world
}

/** Goes on to the end. What it came to: the rows, or the code of what was said. */
async function rest(world: Harness): Promise<string> {
  world.rows.clear()
  try {
    const last = await world.container().ingest(fileEvent('readings', 'p', 8, [at(40, 'e'), at(19, 'a')]))
    if (undoneOf(last) !== undefined) return 'undone'
    const other = await world.container().ingest(fileEvent('readings', 'q', 7, [at(41, 'b')]))
    if (undoneOf(other) !== undefined) return 'undone'
    world.sources.readings!.waiting = new Set()
    world.sources.readings!.splits = ['p', 'q'].map((split) => ({ split, closed: true }))
    await world.container().tick()
    await world.container().tick()
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    return error.code
  }
  const rows = [...world.rows].flatMap(([sink, list]) => list.map((row) => `${sink} ${JSON.stringify(row)}`)).sort()
  return JSON.stringify([
    rows,
    (await world.split('readings/p'))?.counters,
    (await world.split('readings/q'))?.counters,
  ])
}

function put(table: MemoryTable, item: Item): void {
  table.remove(item)
  table.put(admit(item))
}

const placeOf = ({ pk, sk }: ItemKey, what: string): string => `${pk} ${sk}: ${what}`

describe('invariants 7, 9, 10: stored state that somebody has changed', () => {
  it('every attribute of every item, in several bits: the same rows, or a name for what is wrong', async () => {
    const whole = await rest(await rested())
    expect(whole.startsWith('[[')).toBe(true)
    const items = [...(await rested()).table.all()]
    expect(items.some((item) => item.sk.startsWith('p#'))).toBe(true)
    const silent: string[] = []
    const seen = new Map<string, number>()
    const random = new Random(7)
    for (const item of items) {
      for (const name of Object.keys(item)) {
        if (name === 'pk' || name === 'sk' || item[name] === '') continue
        for (let turn = 0; turn < FLIPS; turn++) {
          const world = await rested()
          put(world.table, { ...item, [name]: flipped(item[name]!, (limit) => random.below(limit)) })
          const outcome = await rest(world)
          seen.set(
            outcome === whole ? 'same' : outcome.slice(0, 20),
            (seen.get(outcome === whole ? 'same' : outcome.slice(0, 20)) ?? 0) + 1,
          )
          if (outcome !== whole && outcome !== 'undone' && !NAMED.has(outcome))
            silent.push(placeOf(item, `${name}: ${outcome}`))
        }
      }
    }
    expect(silent).toEqual([])
    expect(seen.get('damaged-state')).toBeGreaterThan(50)
    expect(seen.get('unknown-format')).toBeGreaterThan(0)
  })

  it("invariant 2: a segment's reach that was changed misleads no writer", async () => {
    const world = await rested()
    const [segment] = [...world.table.all()].filter((item) => item.sk.startsWith('g#') && item.sk.includes('/p#'))
    const reach = '00000000000000000009'
    for (const item of [...world.table.all()])
      if (item.sk.startsWith('g#') && item.sk.includes('/p#')) put(world.table, { ...item, to: reach })
    expect(segment).toBeDefined()
    // Without its tails a writer has to ask the chain itself.
    await world.edit('readings/p', { tails: '' })
    await expect(
      world
        .container()
        .ingest(fileEvent('readings', 'p', 8, [at(18, 'a'), at(19, 'b'), at(19, 'c'), at(18, 'd'), at(18, 'e')])),
    ).rejects.toThrow(/The checksum of a segment is wrong/)
  })

  it('a segment that is gone, and another follows in its chain: lost-state', async () => {
    const whole = await rested()
    const segments = [...whole.table.all()].filter((item) => item.sk.startsWith('g#'))
    const followed = segments.filter((item) =>
      segments.some(
        (next) =>
          next.pk === item.pk &&
          next.sk.startsWith(item.sk.slice(0, item.sk.lastIndexOf('#'))) &&
          next.sk.endsWith(`#${String(item.to)}`),
      ),
    )
    expect(followed.length).toBeGreaterThan(0)
    for (const segment of followed) {
      const world = await rested()
      world.table.remove(segment)
      expect(await rest(world), placeOf(segment, 'gone')).toBe('lost-state')
    }
  })

  it('a part of a segment that is gone: lost-state', async () => {
    const parts = [...(await rested()).table.all()].filter((item) => item.sk.startsWith('p#'))
    expect(parts.length).toBeGreaterThan(0)
    for (const part of parts.slice(0, 12)) {
      const world = await rested()
      world.table.remove(part)
      expect(await rest(world), placeOf(part, 'gone')).toBe('lost-state')
    }
  })

  it('invariant 12: state in a later format: unknown-format', async () => {
    const world = await rested()
    const item = world.table.find({ pk: 'counting.1#pipeline', sk: '!' })!.item
    put(world.table, { ...item, format: 1 })
    expect(await rest(world)).toBe('unknown-format')
  })
})
