import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kafkaSource, ndjson, outOfOrder, pipeline, RetryableError } from '../../lib/index.js'
import { jsonLogger } from '../../lib/observe/index.js'
import { collectParts } from '../../lib/sinks/file/parts.js'
import { Harness } from '../runtime/harness.js'
import { at } from '../runtime/pipelines.js'
import { brokers, checkpointOf, kafkaEvent, kinesisEvent, shard } from './worlds.js'

const COUNTED = ['Records', 'Rejected', 'Filtered', 'Repeats', 'Late', 'Expired']
const SPENT = ['StoreRequests', 'WriteUnits', 'ReadUnits', 'DurationMs', 'WatermarkLagMs']

describe('the metrics of an invocation', () => {
  it('invariant 10: say what became of its records, and what it cost', async () => {
    const world = new Harness(brokers())
    world.before = () => void world.now++
    await world.container().ingest(kinesisEvent(0, [at(1), at(30), 'bad', at(31, 'a', -1)]))
    for (const name of [...COUNTED, ...SPENT]) expect([name, world.metrics.has(name)]).toEqual([name, true])
    world.metrics.clear()
    const before = world.store.usage()
    const calls = world.calls.length
    // Three repeated records, then one that is 19 s late and counted, and one that is 28 s late and expired.
    await world.container().ingest(kinesisEvent(1, [at(30), 'bad', at(31, 'a', -1), at(11), at(2), at(32)]))
    const spent = world.store.usage()
    expect(Object.fromEntries(COUNTED.map((name) => [name, world.metrics.get(name)]))).toEqual({
      Records: 3,
      Rejected: 0,
      Filtered: 0,
      Repeats: 3,
      Late: 1,
      Expired: 1,
    })
    expect(world.metrics.get('StoreRequests')).toBe(spent.requests - before.requests)
    expect(world.metrics.get('WriteUnits')).toBe(spent.writeUnits - before.writeUnits)
    expect(world.metrics.get('ReadUnits')).toBe(spent.readUnits - before.readUnits)
    expect(world.metrics.get('DurationMs')).toBe(world.calls.length - calls)
    // The own watermark is 2 s behind 32 s.
    expect(world.metrics.get('WatermarkLagMs')).toBeLessThanOrEqual(world.now - 30_000)
    expect(world.metrics.get('WatermarkLagMs')).toBeGreaterThan(world.now - 31_000)
  })

  it('count failures and retries, and are written though the invocation fails', async () => {
    const world = new Harness(brokers())
    world.before = (call) => {
      if (call.startsWith(checkpointOf(shard))) throw new RetryableError('throttled', 'Throttled.')
    }
    await world.container().ingest(kinesisEvent(0, [at(1)]))
    expect([world.metrics.get('Retries'), world.metrics.get('Failures')]).toEqual([1, undefined])
    await expect(world.container().ingest({ what: 'is this' })).rejects.toThrow()
    expect(world.metrics.get('Failures')).toBe(1)
    expect(world.metrics.get('StoreRequests')).toBeGreaterThan(0)
  })

  // A split whose records were all rejected has no watermark yet. Minus infinity would be written as a lag of 126,000
  // years.
  it('no lag is written before there is a watermark', async () => {
    const world = new Harness(brokers())
    await world.container().ingest(kinesisEvent(0, ['bad']))
    expect(world.metrics.get('WatermarkLagMs') ?? 0).toBeLessThan(world.now + 1)
  })
})

describe('logs and errors never hold a payload', () => {
  const SECRET = 'hunter2-4711'
  const bad = [
    `{"t":"${SECRET}`,
    `"${SECRET}"`,
    { t: SECRET, k: SECRET, v: 1 },
    { t: 1, k: { SECRET }, v: SECRET },
    { t: 1_000, k: `${SECRET}${'x'.repeat(3_000)}`, v: 1 },
    `${SECRET} is no JSON`,
    `{"__proto__":"${SECRET}"}`,
    { t: 9e15, k: SECRET, v: 1 },
    { t: 1_000, k: SECRET, v: { toString: SECRET } },
  ]
  const good = [at(1, SECRET), at(40, SECRET), at(2, SECRET), at(25, SECRET)]

  it('not those of good records, nor of bad, late and repeated ones, nor of those that a store or a sink fails on', async () => {
    const lines: string[] = []
    const errors: string[] = []
    const world = new Harness(brokers(), { logger: jsonLogger((line) => lines.push(line)) })
    const deliver = async (event: unknown): Promise<void> => {
      await world
        .container()
        .ingest(event)
        .catch((error) => errors.push(`${error.message}\n${error.stack}`))
    }
    const places = ['insert g#', 'sink dead', 'sink late', checkpointOf(shard), 'sink out', 'update ! ', 'nothing']
    for (const failing of places) {
      world.before = (call) => {
        if (call.startsWith(failing)) throw new RetryableError('throttled', `The store throttled ${failing}.`)
      }
      for (const event of [kinesisEvent(0, [...bad, ...good]), kafkaEvent({ 0: [...good, ...bad], 1: bad })])
        await deliver(event)
      world.now += 130_000
    }
    world.before = () => undefined
    await deliver(kinesisEvent(0, [...bad, ...good, ...good]))
    world.remainingMs = 100
    await deliver(kinesisEvent(20, good))
    await deliver(kafkaEvent({ 0: [SECRET] }, 'elsewhere'))
    await deliver({ Records: [{ eventSource: 'aws:kinesis', eventID: 7, kinesis: { data: SECRET } }] })
    await deliver(SECRET)
    expect(lines.length).toBeGreaterThan(5)
    expect(errors.length).toBeGreaterThan(3)
    expect(world.rows.get('dead')!.length).toBeGreaterThan(8)
    for (const text of [...lines, ...errors]) expect(text).not.toContain(SECRET)
    // They are in the dead letter, where they belong.
    expect(JSON.stringify(world.rows.get('dead'))).toContain(SECRET)
  })

  it('not when a sink cannot write a value', async () => {
    const lines: string[] = []
    const cyclic = pipeline('cyclic', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(kafkaSource('orders-topic', { timestamp: (r: any) => r.t, watermark: outOfOrder('1s') }))
        .map((r: any) => {
          const value: any = { ...r, [r.k]: r.k }
          value.self = value
          return value
        })
        .to(ndjson('out')),
    )
    const world = new Harness(cyclic, { logger: jsonLogger((line) => lines.push(line)) })
    const error = await world
      .container()
      .ingest(kafkaEvent({ 0: [at(1, 'fine', 1), { ...at(2), k: 'self', v: SECRET }] }))
      .catch((thrown) => thrown)
    expect(`${error.message} ${lines.join()}`).not.toContain(SECRET)
  })
})

// A sink receives whatever a step returns. A value that JSON cannot represent would fail the write, again with each
// delivery.
it('invariant 14: a row that JSON cannot write does not block its split: a bigint is text, a cycle is a note', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-rows-'))
  const odd = pipeline('odd', { deadLetter: ndjson('dead') }, (p) =>
    p
      .from(kafkaSource('orders-topic', { timestamp: (r: any) => r.t, watermark: outOfOrder('1s') }))
      .map((r: any) => {
        const row: Record<string, unknown> = { large: BigInt(r.v) }
        if (r.v === 2) row.self = row
        return row
      })
      .to(ndjson('out', { directory })),
  )
  const world = new Harness(odd, { sink: () => undefined })
  expect(await world.container().ingest(kafkaEvent({ 0: [at(1, 'a', 1), at(1, 'a', 2)] }))).toEqual({
    batchItemFailures: [],
  })
  const rows: string[] = []
  for await (const line of collectParts(join(directory, 'out'))) rows.push(line)
  expect(rows[0]).toBe('{"large":"1"}')
  expect(rows[1]).toMatch(/^\{"unwritable":/)
  rmSync(directory, { recursive: true })
})
