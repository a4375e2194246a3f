import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  collect,
  count,
  custom,
  fileSource,
  ndjson,
  outOfOrder,
  pipeline,
  type StandardSchema,
  tumbling,
} from '../../lib/index.js'
import { fileEvent, Harness, undoneOf } from './harness.js'
import { at, counting, type Reading, readings } from './pipelines.js'

/** Runs one split with these values to its end and returns the output. */
async function through(world: Harness, values: readonly unknown[]): Promise<{ out: any[]; dead: any[] }> {
  await world.container().ingest(fileEvent('readings', 'p', 0, values))
  world.sources.readings!.splits = [{ split: 'p', closed: true }]
  await world.container().tick()
  return { out: world.rows.get('out') ?? [], dead: world.rows.get('dead') ?? [] }
}

describe('invariant 14: a bad record is rejected with a reason, and the split goes on', () => {
  const schema = z.object({ t: z.number(), k: z.string(), v: z.number() })
  const withSchema = pipeline('strict', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
    p
      .from(fileSource('readings', { schema, timestamp: (r) => r.t, watermark: outOfOrder('2s') }))
      .map((r) => {
        if (r.v < 0) throw new Error('no negative values')
        return r
      })
      .keyBy((r) => (r.k === 'nan' ? Number.NaN : r.k))
      .window(tumbling('10s'))
      .aggregate('w', { n: count(), ids: collect((r) => r.v) })
      .to(ndjson('out')),
  )

  const deep = `${'['.repeat(2000)}${']'.repeat(2000)}`
  const cases: readonly (readonly [what: string, value: unknown, reason: string, detail: RegExp])[] = [
    ['no JSON', '{"t":', 'bad-json', /JSON/],
    ['nothing', '', 'bad-json', /./],
    ['deep nesting', deep, 'deep-nesting', /1000/],
    ['a __proto__ key', '{"t":1,"k":"a","v":1,"__proto__":{"x":1}}', 'forbidden-key', /__proto__/],
    ['too large', JSON.stringify({ t: 1, k: 'x'.repeat(2 ** 20), v: 1 }), 'oversize', /1048576/],
    ['half a character', '"\ud800"', 'bad-utf8', /./],
    ['against the schema', { t: 1, k: 5, v: 1 }, 'schema', /^k: /],
    ['a step that throws', { t: 1, k: 'a', v: -1 }, 'step-threw', /no negative values/],
    ['a key that is none', { t: 1, k: 'nan', v: 1 }, 'bad-key', /NaN/],
    ['a time that is none', { t: 1e16, k: 'a', v: 1 }, 'bad-timestamp', /1e16|10000000000000000/],
  ]
  it.each(cases)('%s', async (_, value, reason, detail) => {
    const world = new Harness(withSchema)
    const { out, dead } = await through(world, [at(1, 'a', 1), value, at(2, 'a', 2)])
    expect(out.map((row) => row.value)).toEqual([{ n: 2, ids: [1, 2] }])
    expect(dead).toHaveLength(1)
    expect(dead[0]).toMatchObject({ reason, source: 'readings', split: 'p', position: '00000000000000000001' })
    expect(dead[0].detail).toMatch(detail)
    expect(dead[0].payload).not.toBeUndefined()
    // Invariant 10.
    const counters = JSON.parse((await world.split('readings/p'))!.counters as string)
    expect(counters[0].slice(0, 5)).toEqual([3, 1, 0, 2, 0])
  })

  it.each([
    ['{"toString":1}', 'an object that cannot be converted to text was thrown'],
    ['{"a":1}', '[object Object]'],
    ['null', 'null'],
  ])('user code that throws the value %s itself', async (value, detail) => {
    const thrower = pipeline('thrower', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
      p
        .from(readings())
        .map((r) => {
          if (r.v < 0) throw JSON.parse(value)
          return r
        })
        .to(ndjson('out')),
    )
    const world = new Harness(thrower)
    const { out, dead } = await through(world, [at(1), at(2, 'a', -1), at(3)])
    expect(out).toEqual([at(1), at(3)])
    expect(dead).toMatchObject([{ reason: 'step-threw', detail }])
  })

  it('an event time so far away that its window would never close', async () => {
    const weekly = pipeline('weekly', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
      p
        .from(readings())
        .keyBy((r) => r.k)
        .window(tumbling('7d'), { late: ndjson('late') })
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )
    for (const t of [3_999_999_999_999_999, 3_900_000_000_000_000, -3_999_999_999_999_999.5]) {
      const { out, dead } = await through(new Harness(weekly), [{ t, k: 'a', v: 1 }])
      expect([out, dead[0].reason]).toEqual([[], 'bad-timestamp'])
    }
    for (const t of [3_899_999_999_999_999, -3_899_999_999_999_999]) {
      const { out, dead } = await through(new Harness(weekly), [{ t, k: 'a', v: 1 }])
      expect([out.map((row) => row.value), dead]).toEqual([[{ n: 1 }], []])
    }
  })

  it('an async schema is refused with words, and nothing is committed', async () => {
    let asks = 0
    const late: StandardSchema<any, Reading> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          asks++ === 0 ? { issues: [{ message: 'no' }] } : Promise.resolve({ value: value as Reading }),
      },
    }
    const world = new Harness(
      pipeline('async', { deadLetter: ndjson('dead') }, (p) =>
        p
          .from(fileSource('readings', { schema: late, timestamp: (r) => r.t, watermark: outOfOrder('2s') }))
          .to(ndjson('out')),
      ),
    )
    await expect(world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))).rejects.toThrow(
      'The schema of the source "readings" validates asynchronously, but ingest processes records synchronously. Use a synchronous schema.',
    )
    expect((await world.split('readings/p'))?.position).toBe('0')
  })
})

describe('invariant 14: user code that throws half-way leaves the state as before', () => {
  const fragile = pipeline('fragile', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
    p
      .from(readings())
      .keyBy((r) => r.k)
      .window(tumbling('10s'))
      .aggregate('w', {
        n: count(),
        list: custom({
          name: 'list',
          init: () => [] as number[],
          add: (acc, r: Reading) => {
            acc.push(r.v)
            if (r.v === 13) throw new Error('unlucky')
            return acc
          },
          merge: (a, b) => [...a, ...b].sort((x, y) => x - y),
          result: (acc) => acc,
        }),
      })
      .to(ndjson('out')),
  )

  it('a custom fold that changes its accumulator and then throws', async () => {
    const values = [1, 2, 13, 3, 13, 13, 4].map((v) => at(v % 5, 'a', v))
    const { out, dead } = await through(new Harness(fragile), values)
    expect(out.map((row) => row.value)).toEqual([{ n: 4, list: [1, 2, 3, 4] }])
    expect(dead.map((row) => [row.reason, row.payload.v])).toEqual([
      ['step-threw', 13],
      ['step-threw', 13],
      ['step-threw', 13],
    ])
  })

  it('invariant 2: a custom fold that throws by its accumulator stops loudly where rows are left out, and loses none in silence', async () => {
    const unsteady = pipeline('counting', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
      p
        .from(readings())
        .keyBy((r) => r.k)
        .window(tumbling('10s'))
        .aggregate('w', {
          n: custom({
            name: 'unsteady',
            init: () => 0,
            add: (acc: number, r: Reading) => {
              if (acc === 0 && r.v === 2) throw new Error('not first')
              return acc + 1
            },
            merge: (a, b) => a + b,
            result: (acc) => acc,
          }),
        })
        .to(ndjson('out')),
    )
    const world = new Harness(unsteady)
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1, 'a', 1)]))
    const set = { position: '0', own: -4e15, tails: '', counters: '[[0,0,0,0,0],[0,0,0]]' }
    await world.edit('readings/p', set)
    const again = world.container().ingest(fileEvent('readings', 'p', 0, [at(1, 'a', 1), at(2, 'a', 2)]))
    await expect(again).rejects.toThrow(/Whether add\(\) throws must depend on the record alone/)
    expect((await world.split('readings/p'))?.position).toBe('0')
  })

  it('a result and a later step that throw in advance reject that pane alone', async () => {
    const throwing = pipeline('throwing', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
      p
        .from(readings())
        .keyBy((r) => r.k)
        .window(tumbling('10s'))
        .aggregate('w', {
          n: custom({
            name: 'n',
            init: () => 0,
            add: (acc: number) => acc + 1,
            merge: (a, b) => a + b,
            result: (acc) => {
              if (acc === 2) throw new Error('two')
              return acc
            },
          }),
        })
        .map((result) => {
          if (result.key === 'b') throw new Error('no b')
          return result
        })
        .to(ndjson('out')),
    )
    const { out, dead } = await through(new Harness(throwing), [
      at(1, 'a'),
      at(1, 'b'),
      at(1, 'c'),
      at(2, 'c'),
      at(3, 'd'),
    ])
    expect(out.map((row) => row.key).sort()).toEqual(['a', 'd'])
    expect(dead.map((row) => [row.reason, row.operator, row.key, row.detail]).sort()).toEqual([
      ['step-threw', 'w', 'b', 'no b'],
      ['step-threw', 'w', 'c', 'Field "n" of "w": two'],
    ])
  })
})

describe('invariant 14: a record that kills the process', () => {
  it('is isolated by chunks of 1, 2, 4, ... and skipped by a durable mark', async () => {
    const world = new Harness(counting(), { timeoutMs: 1000 })
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    // The previous attempt died: there has been no checkpoint for longer than two timeouts.
    world.now += 2001
    world.calls.length = 0
    await world.container().ingest(
      fileEvent(
        'readings',
        'p',
        1,
        Array.from({ length: 12 }, (_, i) => at(1 + i / 10)),
      ),
    )
    const checkpoints = world.calls.filter((call) => call.startsWith('update s#readings/p position'))
    expect(checkpoints).toHaveLength(4) // 1 + 2 + 4 + 5
    expect(world.logs.some((line) => /^warn .*careful mode/.test(line))).toBe(true)
    const { position } = (await world.split('readings/p'))!
    await world.store.update({
      key: { pk: 'counting.1#0#splits', sk: 's#readings/p' },
      set: { skip: position! },
      when: [],
    })
    await world.container().ingest(fileEvent('readings', 'p', 13, ['{"kills":', at(3)]))
    expect(world.rows.get('dead')?.map((row) => [row.reason, row.position])).toEqual([
      ['skipped', '00000000000000000013'],
    ])
    expect((await world.split('readings/p'))?.position).toBe('00000000000000000014')
  })
})

describe('future stamps', () => {
  const drifting = (onFutureDrift: 'reject' | 'clamp') =>
    pipeline('drifting', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
      p
        .from(
          fileSource('readings', {
            timestamp: (r: Reading) => r.t,
            watermark: outOfOrder('2s'),
            maxFutureDrift: '1h',
            onFutureDrift,
          }),
        )
        .keyBy((r) => r.k)
        .window(tumbling('10s'))
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )

  it('one clock of the year 9999 never moves the watermark', async () => {
    const world = new Harness(drifting('reject'))
    const { out, dead } = await through(world, [at(1), at(253_402_300_799), at(2), at(-100), at(3)])
    expect(dead.map((row) => row.reason)).toEqual(['future-timestamp', 'expired'])
    expect(out.map((row) => row.value)).toEqual([{ n: 3 }])
  })

  it('clamp counts it at the limit', async () => {
    const world = new Harness(drifting('clamp'))
    const { out, dead } = await through(world, [at(1), at(253_402_300_799)])
    expect(dead).toEqual([])
    expect(out.map((row) => [row.window.start, row.value.n])).toEqual([
      [0, 1],
      [3_600_000, 1],
    ])
  })
})

describe('invariant 11: everything is bounded', () => {
  it('work stops before the deadline, at a checkpoint, and the first undone record is reported', async () => {
    const world = new Harness(counting(), { timeoutMs: 1000 })
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1)]))
    world.now += 2001
    world.before = (call) => {
      if (call.startsWith('update s#readings/p position')) world.remainingMs = 500
    }
    // Careful, so that one record has its checkpoint before the time is over.
    const answer = await world.container().ingest(fileEvent('readings', 'p', 1, [at(1), at(2), at(3)]))
    expect(undoneOf(answer)).toBe(2)
    expect((await world.split('readings/p'))?.position).toBe('00000000000000000001')
  })

  it("a segment over an item's limit goes in parts and reads back whole", async () => {
    const noise = (i: number): string =>
      Array.from({ length: 4000 }, (_, j) =>
        String.fromCharCode(33 + (((((i * 7919 + j * 104_729) ^ (j * j * 31 + i)) % 90) + 90) % 90)),
      ).join('')
    const large = pipeline('large', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
      p
        .from(fileSource('readings', { timestamp: (r: Reading & { pad: string }) => r.t, watermark: outOfOrder('2s') }))
        .keyBy((r) => r.k)
        .window(tumbling('10s'))
        .aggregate('w', { pads: collect((r) => r.pad, { max: 1000 }) })
        .to(ndjson('out')),
    )
    const world = new Harness(large)
    const values = Array.from({ length: 300 }, (_, i) => ({ ...at(1 + i / 1000), pad: noise(i) }))
    const { out } = await through(world, values)
    expect(out[0].value.pads).toEqual(values.map((value) => value.pad))
    const [segment] = await world.segments('w')
    expect(segment?.parts).toMatch(/^.+:\d+$/)
  })
})

describe('invariant 14: a row that a sink can never take', () => {
  it('goes to the dead letter, with all others in place, from ingest and from advance', async () => {
    const world = new Harness(counting())
    world.refuses = (sink, value) => {
      if (sink === 'late') return 'it is too large.'
      return sink === 'out' && value.value.n === 2 ? 'it is too large.' : undefined
    }
    const { ingest, tick } = world.container()
    // 5 is expired in ingest. The windows of 1 and 40 close with one row and two rows.
    await ingest(fileEvent('readings', 'p', 0, [at(1), at(40), at(41), '{bad', at(5)]))
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await tick()
    expect(world.rows.get('out')?.map((row) => row.value.n)).toEqual([1])
    expect(world.rows.get('late')).toEqual([])
    const dead = world.rows.get('dead')!
    expect(dead.map((row) => [row.reason, row.detail])).toEqual([
      ['bad-json', expect.any(String)],
      ['sink-refused', 'The sink "late" refused the row: it is too large.'],
      ['sink-refused', 'The sink "out" refused the row: it is too large.'],
    ])
    expect(dead[1].payload.reason).toBe('expired')
    expect(dead[2].payload.value).toEqual({ n: 2, sum: 2 })
    expect(world.metrics.get('RefusedRows')).toBe(2)
  })

  it('goes there without its payload where even the dead letter refuses it, and never blocks', async () => {
    const world = new Harness(counting())
    world.refuses = (_, value) => (value.payload === null ? undefined : 'it is too large.')
    const { ingest } = world.container()
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 0, [at(1), '{bad', at(2)])))).toBeUndefined()
    expect(world.rows.get('dead')).toEqual([
      expect.objectContaining({ reason: 'bad-json', payload: null, refused: 'it is too large.' }),
    ])
    world.refuses = () => 'never.'
    expect(undoneOf(await ingest(fileEvent('readings', 'p', 3, ['{bad'])))).toBeUndefined()
    expect(world.logs.some((line) => line.startsWith('error the dead letter sink refused a row'))).toBe(true)
  })
})
