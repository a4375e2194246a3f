import { describe, expect, it } from 'vitest'
import {
  count,
  custom,
  customWatermark,
  distinctCount,
  fileSource,
  iso,
  kinesisSource,
  ndjson,
  outOfOrder,
  pipeline,
  type SourceOptions,
  sum,
  tumbling,
} from '../../lib/index.js'
import type { Builder } from '../../lib/pipeline/index.js'
import { fileEvent, Harness } from './harness.js'
import { at, type Reading } from './pipelines.js'

type Build = (p: Builder, source: ReturnType<typeof fileSource<Reading>>) => unknown

/** The dead letter of the second of three records, whose value is negative. */
async function saidOf(build: Build, options: Partial<SourceOptions<Reading>> = {}): Promise<[string, string][]> {
  const source = fileSource('readings', { timestamp: (r) => r.t, watermark: outOfOrder('2s'), ...options })
  const world = new Harness(pipeline('said', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) => build(p, source)))
  await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(2, 'a', -1), at(3)]))
  return (world.rows.get('dead') ?? []).map((row: any) => [row.reason, row.detail])
}

const later = <V>(r: Reading, value: V): V => (r.v < 0 ? Promise.reject(new Error('later')) : value) as V
const folded =
  (folds: object): Build =>
  (p, source) =>
    p
      .from(source)
      .keyBy((r) => r.k)
      .window(tumbling('10s'))
      .aggregate('w', folds as never)
      .to(ndjson('out'))
const fragile = (part: 'init' | 'add', fails: () => unknown) =>
  custom({
    name: 'own',
    init: () => (part === 'init' ? fails() : 0) as number,
    add: (acc: number, r: Reading) => (part === 'add' && r.v < 0 ? fails() : acc + 1) as number,
    merge: (a, b) => a + b,
    result: (acc) => acc,
  })
const AT_ONCE = 'must be synchronous; it returned a promise. Remove async from it.'
const boom = (): never => {
  throw new Error('boom')
}

describe('invariant 14: a promise is no value', () => {
  it.each<[string, Build, string]>([
    [
      'map',
      (p, s) =>
        p
          .from(s)
          .map((r) => later(r, r))
          .to(ndjson('out')),
      `The function of map() ${AT_ONCE}`,
    ],
    [
      'filter',
      (p, s) =>
        p
          .from(s)
          .filter((r) => later(r, true))
          .to(ndjson('out')),
      `The function of filter() ${AT_ONCE}`,
    ],
    [
      'flatMap',
      (p, s) =>
        p
          .from(s)
          .flatMap((r) => later(r, [r]))
          .to(ndjson('out')),
      `The function of flatMap() ${AT_ONCE}`,
    ],
    [
      'a row of flatMap',
      (p, s) =>
        p
          .from(s)
          .flatMap((r) => [later(r, r)])
          .to(ndjson('out')),
      `The function of flatMap() ${AT_ONCE}`,
    ],
    [
      'sideOutput',
      (p, s) =>
        p
          .from(s)
          .sideOutput(
            (r) => later(r, true),
            (side) => side.to(ndjson('side')),
          )
          .to(ndjson('out')),
      `The test of sideOutput() ${AT_ONCE}`,
    ],
    [
      'keyBy',
      (p, s) =>
        p
          .from(s)
          .keyBy((r) => later(r, r.k))
          .window(tumbling('10s'))
          .aggregate('w', { n: count() })
          .to(ndjson('out')),
      `The key of "w" ${AT_ONCE}`,
    ],
    [
      'sum',
      folded({ total: sum((r: Reading) => later(r, r.v)) }),
      `Field "total" of "w": The function of sum() ${AT_ONCE}`,
    ],
    [
      'count',
      folded({ n: count((r: Reading) => later(r, true)) }),
      `Field "n" of "w": The function of count() ${AT_ONCE}`,
    ],
    [
      'add of a custom one',
      folded({ n: fragile('add', () => Promise.reject(new Error('later'))) }),
      `Field "n" of "w": add of the custom aggregate "own" ${AT_ONCE}`,
    ],
  ])('%s', async (_, build, detail) => {
    expect(await saidOf(build)).toEqual([['step-threw', detail]])
  })

  it('timestamp', async () => {
    const detail =
      'timestamp() must return ms since the epoch or a valid Date; it returned a promise. Remove async from it.'
    const timestamp = (r: Reading) => later(r, r.t)
    expect(await saidOf((p, s) => p.from(s).to(ndjson('out')), { timestamp })).toEqual([['bad-timestamp', detail]])
  })

  it('customWatermark', async () => {
    const watermark = customWatermark((r: Reading, t) => later(r, t), '1s')
    expect(await saidOf((p, s) => p.from(s).to(ndjson('out')), { watermark })).toEqual([
      ['step-threw', `The function of customWatermark() ${AT_ONCE}`],
    ])
  })
})

describe('invariant 14: a fold that throws says which', () => {
  const thrown = (r: Reading) => (r.v < 0 ? boom() : r.v)
  it.each<[string, Build, string, string]>([
    ['reading', folded({ n: count(), total: sum(thrown) }), 'step-threw', 'Field "total" of "w": boom'],
    [
      'text',
      folded({ total: sum((r: Reading) => (r.v < 0 ? 'x' : r.v) as number) }),
      'bad-value',
      'Field "total" of "w": sum() folds finite numbers; its function returned a string. Return null to leave a row out.',
    ],
    [
      'a time within',
      folded({ total: sum((r: Reading) => (r.v < 0 ? iso('soon') : r.v)) }),
      'bad-timestamp',
      'Field "total" of "w": A timestamp must be an ISO 8601 time such as 2001-01-01T00:03:00Z; this one is "soon".',
    ],
    [
      'no key',
      folded({ ids: distinctCount((r: Reading) => (r.v < 0 ? Number.NaN : r.v)) }),
      'bad-value',
      'Field "ids" of "w": distinctCount() counts keys. A key is a string, a finite number, a boolean, a bigint, null, or an array of them; this one is NaN. Return null to leave a row out.',
    ],
    ['adding', folded({ n: count(), own: fragile('add', boom) }), 'step-threw', 'Field "own" of "w": boom'],
    [
      'the key itself',
      (p, s) =>
        p
          .from(s)
          .keyBy((r) => String(thrown(r)))
          .window(tumbling('10s'))
          .aggregate('w', { n: count() })
          .to(ndjson('out')),
      'step-threw',
      'The key of "w": boom',
    ],
    [
      'a key that is none',
      (p, s) =>
        p
          .from(s)
          .keyBy((r) => (r.v < 0 ? undefined : 'a') as string)
          .window(tumbling('10s'))
          .aggregate('w', { n: count() })
          .to(ndjson('out')),
      'bad-key',
      'The key of "w": A key is a string, a finite number, a boolean, a bigint, null, or an array of them; this one is undefined.',
    ],
  ])('%s', async (_, build, reason, detail) => {
    expect(await saidOf(build)).toEqual([[reason, detail]])
  })

  it('and each record where its accumulator cannot be made', async () => {
    const said = await saidOf(folded({ own: fragile('init', boom) }))
    expect(said).toEqual(Array.from({ length: 3 }, () => ['step-threw', 'Field "own" of "w": boom']))
  })
})

describe('a timestamp that cannot be used is shown', () => {
  const stamped = (given: unknown) => ({ timestamp: (r: Reading) => (r.v < 0 ? given : r.t) as number })
  const TEXT =
    'For text use iso() or isoUtc(); for numbers in other units use epochSeconds(), epochMicros() or epochNanos().'
  it.each<[unknown, string]>([
    ['2001-01-01T00:00:00Z', '"2001-01-01T00:00:00Z"'],
    ['x'.repeat(41), `"${'x'.repeat(40)}…"`],
    [undefined, 'undefined'],
    [null, 'null'],
    [1e16, '10000000000000000'],
    [Number.NaN, 'NaN'],
    [new Date(Number.NaN), 'an invalid Date'],
    [{ secret: 1 }, 'an object'],
    [[1], 'an array'],
  ])('%o', async (given, shown) => {
    const detail = `timestamp() must return ms since the epoch or a valid Date; it returned ${shown}. ${TEXT}`
    expect(await saidOf((p, s) => p.from(s).to(ndjson('out')), stamped(given))).toEqual([['bad-timestamp', detail]])
  })

  it('with the bound of the log where it lies ahead of all before it', async () => {
    const options = { ...stamped(Date.UTC(2100, 0, 1)), maxFutureDrift: '1d' } as const
    expect(await saidOf((p, s) => p.from(s).to(ndjson('out')), options)).toEqual([
      [
        'future-timestamp',
        'The timestamp 2100-01-01T00:00:00.000Z is after 1970-01-02T00:00:01.000Z: more than maxFutureDrift (1d) ahead of all records before it, and ahead of the clock.',
      ],
    ])
  })

  it("with that of the record's arrival where the broker wrote it", async () => {
    const source = kinesisSource('readings', { timestamp: (r: Reading) => r.t, watermark: outOfOrder('2s') })
    const world = new Harness(
      pipeline('said', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) => p.from(source).to(ndjson('out'))),
    )
    await world.container().ingest({
      Records: [
        {
          eventSource: 'aws:kinesis',
          eventID: 'shardId-000000000000:1',
          eventSourceARN: 'arn:aws:kinesis:eu-west-1:123456789012:stream/readings',
          kinesis: {
            partitionKey: 'a',
            sequenceNumber: '1',
            approximateArrivalTimestamp: 1_700_000_000,
            data: Buffer.from(JSON.stringify({ t: Date.UTC(2100, 0, 1), k: 'a', v: 1 })).toString('base64'),
          },
        },
      ],
    })
    expect(world.rows.get('dead')).toMatchObject([
      {
        reason: 'future-timestamp',
        detail:
          "The timestamp 2100-01-01T00:00:00.000Z is more than maxFutureDrift (1m) ahead of the record's arrival.",
      },
    ])
  })
})
