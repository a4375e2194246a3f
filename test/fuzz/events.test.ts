import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { EventShapeError, MillraceError, TIME_MAX } from '../../lib/base/index.js'
import { advance } from '../../lib/handlers/index.js'
import { Harness } from '../runtime/harness.js'
import { type EventRecords, recordsOf } from './event-reader.js'
import { holds } from './fuzz.js'
import { mutated, mutations } from './mutations.js'
import { eventPairs, events, GOOD, made, origins, sourceOf } from './sound-events.js'

const builtins = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Number.prototype,
  Buffer.prototype,
  Error.prototype,
]
const prototypes = () =>
  builtins.map((one) => Reflect.ownKeys(one).map((key) => [key, Object.getOwnPropertyDescriptor(one, key)]))
const untouched = prototypes()

/** What the splits' items hold. */
async function stands(
  world: Harness,
): Promise<{ readonly name: string; readonly position: string; readonly counters: readonly number[][] }[]> {
  const { items } = await world.store.query({ pk: 'fuzzed.1#0#splits', from: 's#', to: 's~' })
  return items.map(({ sk, position, counters }) => ({
    name: sk.slice(2),
    position: position as string,
    counters: JSON.parse((counters as string | undefined) ?? '[[0,0,0,0,0],[0,0,0]]'),
  }))
}

/**
 * Hands an event to a container; the answer, or the sentence with which it was refused. Checks all that no event may
 * do.
 */
async function deliver(world: Harness, container: ReturnType<Harness['container']>, event: unknown): Promise<unknown> {
  await container.ingest({ eventSource: 'millrace:file', source: 'file', records: [] })
  const before = await stands(world)
  world.calls.length = 0
  world.logs.length = 0
  let answer: unknown
  try {
    answer = await container.ingest(event)
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(EventShapeError)
    expect((thrown as Error).message).toMatch(/^[A-Z].*\.$/s)
    expect(world.calls, 'nothing is read or written for an event that is refused').toEqual([])
    expect(await stands(world)).toEqual(before)
  }
  expect(
    world.logs.filter((line) => line.startsWith('error') || line.includes('come again')),
    'nothing fails, and nothing is hidden as worth another try',
  ).toEqual([])
  expect(world.calls.length).toBeLessThan(60 + 60 * (await stands(world)).length)
  expect(prototypes()).toEqual(untouched)
  expect(({} as any).polluted).toBeUndefined()
  return answer
}

const sorted = (numbers: readonly bigint[]): bigint[] => [...numbers].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))

/** Invariant 10, and that nothing is missing of what a plain reading finds. */
async function expectConserved(world: Harness, delivered: EventRecords): Promise<void> {
  let rejected = 0
  let expired = 0
  const found = await stands(world)
  const sum = (at: number): number => found.reduce((total, { counters }) => total + counters[0]![at]!, 0)
  for (const {
    counters: [[all, bad, filtered, passed], [counted, , gone]],
  } of found as any) {
    expect(all).toBe(bad + filtered + passed)
    expect(passed).toBe(counted + gone)
    rejected += bad
    expired += gone
  }
  const payloads = [...delivered.values()].flatMap((split) => split.payloads)
  expect(sum(0)).toBe(payloads.length)
  expect(sum(3), 'good records pass').toBeGreaterThanOrEqual(payloads.filter((one) => one?.toString() === GOOD).length)
  const reached = found.map(({ position }) => BigInt(/^(?:\d{3}:)?(\d+)/.exec(position)![1]!))
  expect(sorted(reached), 'positions').toEqual(sorted([...delivered.values()].map(({ highest }) => highest)))
  expect(world.rows.get('dead')?.length ?? 0).toBe(rejected)
  expect(world.rows.get('late')?.length ?? 0).toBe(expired)
}

/** Ends every split: then all windows close, and their last panes hold every record that was counted, once. */
async function expectClosed(
  world: Harness,
  container: ReturnType<Harness['container']>,
  delivered: EventRecords,
): Promise<void> {
  for (const [source, fake] of Object.entries(world.sources)) {
    const splits = [...delivered.keys()].filter((name) => name.startsWith(`${source}/`))
    fake.splits = ['none', ...splits.map((name) => name.slice(source.length + 1))].map((split) => ({
      split,
      closed: true,
    }))
  }
  for (let ticks = 0; ticks < 3; ticks++) await container.tick()
  expect((await world.watermark())?.watermark).toBe(TIME_MAX)
  const last = new Map<string, any>()
  for (const row of world.rows.get('out') ?? []) {
    const place = JSON.stringify([row.key, row.window])
    if (!(last.get(place)?.pane.index > row.pane.index)) last.set(place, row)
  }
  const counted = (await stands(world)).reduce((sum, { counters }) => sum + counters[1]![0]!, 0)
  expect([...last.values()].reduce((sum, row) => sum + row.value.n, 0)).toBe(counted)
}

/** An event that was answered is counted to the last record, and a second delivery of it changes nothing. */
async function expectCountedOnce(
  world: Harness,
  container: ReturnType<Harness['container']>,
  answer: unknown,
  event: unknown,
): Promise<void> {
  expect(answer).toEqual({ batchItemFailures: [] })
  await expectConserved(world, recordsOf(event, sourceOf))
  const before = await stands(world)
  expect(await deliver(world, container, structuredClone(event))).toEqual({ batchItemFailures: [] })
  expect(await stands(world)).toEqual(before)
}

describe('an event from outside', () => {
  holds(
    'as its mapping sends it is counted to the last record, whatever the records hold, and once however often it comes',
    150,
    fc.asyncProperty(events, async (event) => {
      const world = new Harness(made, { origins })
      const container = world.container()
      await expectCountedOnce(world, container, await deliver(world, container, event), event)
      await expectClosed(world, container, recordsOf(event, sourceOf))
    }),
  )

  holds(
    'that was tampered with is refused by a sentence before anything is done, or counted as it stands',
    600,
    fc.asyncProperty(eventPairs, mutations, async ([event, donor], changes) => {
      const changed = mutated(event, changes, donor)
      const world = new Harness(made, { origins })
      const container = world.container()
      const answer = await deliver(world, container, changed)
      if (answer !== undefined) await expectCountedOnce(world, container, answer, changed)
    }),
  )

  holds(
    'of whatever shape is answered or refused by a sentence, and leaves the container fit for the next',
    150,
    fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.anything()), events, async (noise, event) => {
      const world = new Harness(made, { origins })
      const container = world.container()
      await deliver(world, container, noise)
      expect(await deliver(world, container, event)).toEqual({ batchItemFailures: [] })
      await expectConserved(world, recordsOf(event, sourceOf))
    }),
  )
})

describe('a request to advance', () => {
  const noise = fc.anything()
  const operator = fc.oneof({ weight: 4, arbitrary: fc.constant('w') }, fc.constantFrom('', '__proto__'), noise)
  const keyGroup = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0, 1, -0, 2, -1, 0.5, Number.NaN) }, noise)
  const request = fc.oneof(fc.record({ operator, keyGroup }, { requiredKeys: [] }), noise)
  const body = fc.oneof(
    request.filter(isJson).map((one) => JSON.stringify(one)),
    noise,
  )
  const records = fc.array(fc.oneof({ weight: 3, arbitrary: fc.record({ body }) }, noise), { maxLength: 3 })
  const event = fc.oneof(request, fc.record({ Records: fc.oneof({ weight: 3, arbitrary: records }, noise) }))
  const requestsOf = (of: any): any[] =>
    Array.isArray(of.Records) ? of.Records.map((record: any) => JSON.parse(record.body)) : [of]

  holds(
    'is done, or refused by a sentence before anything is done',
    300,
    fc.asyncProperty(event, async (of) => {
      const world = new Harness(made)
      const handle = advance(made, world.bindings())
      await handle({ operator: 'w', keyGroup: 0 })
      world.calls.length = 0
      const outcome: any = await handle(of).catch((thrown) => thrown)
      if (outcome instanceof MillraceError) {
        expect(['event-shape', 'unknown-operator']).toContain(outcome.code)
        expect(outcome.message).toMatch(/^[A-Z].*\.$/s)
        expect(world.calls).toEqual([])
      } else {
        expect(outcome).toEqual({})
        for (const one of requestsOf(of)) expect(['w 0', 'w 1']).toContain(`${one.operator} ${one.keyGroup}`)
      }
      expect(prototypes()).toEqual(untouched)
    }),
  )
})

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}
