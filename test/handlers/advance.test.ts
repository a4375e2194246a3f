import { describe, expect, it } from 'vitest'
import { advance, type Bindings } from '../../lib/handlers/index.js'
import { Harness } from '../runtime/harness.js'
import { at } from '../runtime/pipelines.js'
import { brokers, kinesisEvent } from './worlds.js'

/**
 * A world in which a slice is closed but no key group has advanced, because the time was over. The claims of that
 * attempt have expired.
 */
async function closed(lapsed = true): Promise<{ world: Harness; handle: (event: unknown) => Promise<unknown> }> {
  const world = new Harness(brokers())
  world.before = (call) => {
    // The watermark is published. Then the time is over.
    if (call.startsWith('update ! watermark')) world.remainingMs = 500
  }
  await world.container().ingest(kinesisEvent(0, [at(1, 'a'), at(2, 'b'), at(3, 'c'), at(60, 'a')]))
  world.remainingMs = 60_000
  world.before = () => undefined
  if (lapsed) world.now += 60_001
  expect(world.rows.get('out') ?? []).toEqual([])
  return { world, handle: advance(brokers(), world.bindings() as Bindings) }
}

const keys = (world: Harness): string[] => (world.rows.get('out') ?? []).map((row) => row.key).sort()

describe('the advance handler', () => {
  it('closes what ingest had no time to, one key group a request', async () => {
    const { world, handle } = await closed()
    expect(await handle({ operator: 'w', keyGroup: 0 })).toEqual({})
    const first = keys(world)
    expect(await handle({ operator: 'w', keyGroup: 0 })).toEqual({})
    expect(keys(world)).toEqual(first)
    await handle({ operator: 'w', keyGroup: 1 })
    expect(keys(world)).toEqual(['a', 'b', 'c'])
  })

  it('takes the requests of an SQS event, as JSON', async () => {
    const { world, handle } = await closed()
    const body = (keyGroup: number) => ({ messageId: 'm', body: JSON.stringify({ operator: 'w', keyGroup }) })
    expect(await handle({ Records: [body(1), body(0), body(1)] })).toEqual({})
    expect(keys(world)).toEqual(['a', 'b', 'c'])
    expect(world.metrics.get('WriteUnits')).toBeGreaterThan(0)
  })

  // The attempt that had no time leaves its claim behind. The request that it sends to the queue finds the key group
  // claimed and does nothing.
  it('a request right after the attempt that had no time does its work', async () => {
    const { world, handle } = await closed(false)
    await handle({ operator: 'w', keyGroup: 0 })
    await handle({ operator: 'w', keyGroup: 1 })
    expect(keys(world)).toEqual(['a', 'b', 'c'])
  })

  it('invariant 11: without time it does nothing, and asks the queue to go on', async () => {
    const { world } = await closed()
    const asked: unknown[] = []
    const queue = { advance: async (request: unknown) => void asked.push(request) }
    const handle = advance(brokers(), { ...world.bindings(), queue })
    const context = { getRemainingTimeInMillis: () => 900 }
    expect(await handle({ operator: 'w', keyGroup: 1 }, context)).toEqual({})
    expect([keys(world), asked]).toEqual([[], [{ operator: 'w', keyGroup: 1 }]])
  })

  it('no event of SQS does nothing', async () => {
    const { world, handle } = await closed()
    expect(await handle({ Records: [] })).toEqual({})
    expect(keys(world)).toEqual([])
  })

  const sentence = 'The advance handler expects { operator, keyGroup }, or an SQS event whose bodies are such objects.'
  it.each([
    ['nothing', undefined, sentence],
    ['null', null, sentence],
    ['text', 'w', sentence],
    ['an object without an operator', { keyGroup: 1 }, sentence],
    ['a key group as text', { operator: 'w', keyGroup: '1' }, sentence],
    ['a body that is no JSON', { Records: [{ body: '{"operator":' }] }, sentence],
    ['a body that is missing', { Records: [{}] }, sentence],
    ['a record that is null', { Records: [null] }, sentence],
    ['one bad body among good ones', { Records: [{ body: '{"operator":"w","keyGroup":0}' }, { body: '5' }] }, sentence],
    ['an unknown operator', { operator: 'x', keyGroup: 0 }, 'Pipeline "brokers" has no operator "x". It has: w.'],
    [
      'a key group beyond the last',
      { operator: 'w', keyGroup: 2 },
      'Operator "w" has key groups 0 to 1, but the request names 2.',
    ],
    [
      'a negative key group',
      { operator: 'w', keyGroup: -1 },
      'Operator "w" has key groups 0 to 1, but the request names -1.',
    ],
    [
      'half a key group',
      { operator: 'w', keyGroup: 0.5 },
      'Operator "w" has key groups 0 to 1, but the request names 0.5.',
    ],
  ])('refuses %s, before anything is done', async (_, request, words) => {
    const { world, handle } = await closed()
    await expect(handle(request)).rejects.toThrow(words)
    expect(keys(world)).toEqual([])
  })

  it('refuses a list with one bad key group before the good ones are worked', async () => {
    const { world, handle } = await closed()
    const body = (keyGroup: number) => ({ body: JSON.stringify({ operator: 'w', keyGroup }) })
    await expect(handle({ Records: [body(0), body(7)] })).rejects.toThrow('the request names 7')
    expect(keys(world)).toEqual([])
  })
})
