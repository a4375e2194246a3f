import { describe, expect, it } from 'vitest'
import flights from '../../examples/flights/pipeline.js'
import { batchOf, DEPLOYMENT } from '../../lib/cost/deployment.js'
import { estimate } from '../../lib/cost/estimate.js'
import { costReport, type Measured, parseRate, parseSize, shapeOf } from '../../lib/cost/index.js'
import { PRICES } from '../../lib/cost/prices.js'
import { plan } from '../../lib/pipeline/index.js'

const shape = shapeOf(plan(flights))
const load = { recordsPerSecond: 4_000, recordBytes: 100, keys: 300 }
/** The same pipeline with its records in streams. */
const streams = { ...shape, sources: shape.sources.map((of) => ({ ...of, connector: 'kinesis' })) }
const usdOf = (bill: ReturnType<typeof estimate>, what: string): number =>
  bill.lines.find((line) => line.what === what)?.usd ?? 0
const MONTH_S = 730 * 3_600

describe('rates and sizes', () => {
  it.each([
    ['500/s', 500],
    ['2k/m', 2_000 / 60],
    ['1.5m/d', 1_500_000 / 86_400],
    ['36/H', 0.01],
  ])('%s', (text, rate) => expect(parseRate(text)).toBeCloseTo(rate, 9))

  it.each(['', '500', '0/s', '-1/s', '1/w', 'k/s'])('%j is no rate', (text) =>
    expect(() => parseRate(text)).toThrow(
      `A rate must be in records per second, minute, hour or day, such as 500/s, 2k/m or 1.5m/d; it is ${JSON.stringify(text)}.`,
    ),
  )

  it.each([
    ['300B', 300],
    ['300', 300],
    ['2KB', 2_048],
    ['1mb', 1_048_576],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes))

  it.each(['', '0', '11MB', 'big'])('%j is no size', (text) => expect(() => parseSize(text)).toThrow(/at most 10MB/))
})

describe('a bill', () => {
  it('adds up, and says what a million records cost', () => {
    const bill = estimate(shape, load)
    expect(bill.usd).toBeCloseTo(
      bill.lines.reduce((sum, { usd }) => sum + usd, 0),
      9,
    )
    expect(bill.usdPerMillion).toBeCloseTo((bill.usd / (4_000 * MONTH_S)) * 1e6, 9)
  })

  it('of a pipeline at rest is that of being watched', () => {
    const bill = estimate(shape, { ...load, recordsPerSecond: 0.0001 })
    const watched = ['metrics', 'alarms', 'dashboard', 'on-demand streams, in and out'].map((what) => usdOf(bill, what))
    expect(bill.usd - watched.reduce((sum, usd) => sum + usd, 0)).toBeLessThan(0.5)
    // Metrics are billed by the hours in which they have a value.
    expect(usdOf(bill, 'metrics')).toBeLessThan(usdOf(estimate(shape, load), 'metrics') / 2)
  })

  // Its airports are not all alike, as the plan takes them to be.
  it('by the plan alone lies above what the bench measures for the flights, and below twice that', () => {
    // `npm run bench`: 0.0113 units an event at batches of 1,000 of one split, a week of 113,493 flights of 300
    // airports, of which a batch spans one and a half hours.
    const weekly = { recordsPerSecond: 113_493 / (7 * 86_400), recordBytes: 100, keys: 300 }
    const batches = { ...DEPLOYMENT, splits: 1, windowSeconds: 1_000 / weekly.recordsPerSecond }
    const bill = estimate({ ...shape, sources: shape.sources.slice(0, 1) }, weekly, batches)
    const perRecord = usdOf(bill, 'state: write units') / PRICES.writeUnit / (weekly.recordsPerSecond * MONTH_S)
    expect(perRecord / 0.0113).toBeGreaterThan(1)
    expect(perRecord / 0.0113).toBeLessThan(2)
  })

  it('by a run is what the run has measured, where batches are alike', () => {
    const measured: Measured = { batch: 500, writeUnits: 0.016, readUnits: 0.006, cpuUs: 3 }
    const bill = estimate(shape, load, DEPLOYMENT, measured)
    expect(bill.isMeasured).toBe(true)
    expect(usdOf(bill, 'state: write units')).toBeCloseTo(4_000 * MONTH_S * 0.016 * PRICES.writeUnit, 6)
    // Batches of ten: a checkpoint each ten records.
    const small = estimate(shape, { ...load, recordsPerSecond: 40 }, DEPLOYMENT, measured)
    expect(usdOf(small, 'state: write units') / 40).toBeGreaterThan((10 * usdOf(bill, 'state: write units')) / 4_000)
  })

  it('follows keys, key groups and batches', () => {
    const of = (more: Partial<typeof load>, deployment = DEPLOYMENT) =>
      usdOf(estimate(shape, { ...load, ...more }, deployment), 'state: write units')
    expect(of({ keys: 30_000 })).toBeGreaterThan(of({ keys: 300 }))
    expect(of({}, { ...DEPLOYMENT, batchSize: 100 })).toBeGreaterThan(2 * of({}))
    expect(batchOf(shape, load, DEPLOYMENT)).toBe(500)
    expect(batchOf(shape, { ...load, recordsPerSecond: 2 }, DEPLOYMENT)).toBe(1)
  })
})

describe('a batch', () => {
  it('holds what fits into 6 MB, and what a shard carries', () => {
    expect(batchOf(streams, { recordsPerSecond: 4_000, recordBytes: 50_000, keys: 1 }, DEPLOYMENT)).toBeLessThan(95)
    // Ten megabytes a second are ten shards, of which each carries a thousand records in its second.
    expect(
      batchOf(streams, { recordsPerSecond: 10_000, recordBytes: 1_000, keys: 1 }, { ...DEPLOYMENT, batchSize: 10_000 }),
    ).toBe(1_000)
  })

  it('of records that pass as they are costs their size', () => {
    const passing = { ...shape, operators: [], passesToTable: true }
    const [small, large] = [300, 3_000].map((recordBytes) =>
      usdOf(estimate(passing, { ...load, recordBytes }), 'results'),
    )
    expect(large! / small!).toBeCloseTo(4, 9)
  })
})

describe('others', () => {
  it('are cheaper from the rate on that is said, by processing alone', () => {
    for (const [i, { cheaperFrom }] of costReport(shape, load).alternatives.entries()) {
      const isCheaperAt = (rate: number): boolean => {
        const { processingUsd, alternatives } = costReport(shape, { ...load, recordsPerSecond: rate })
        return alternatives[i]!.processingUsd < processingUsd
      }
      expect([isCheaperAt(cheaperFrom! * 0.99), isCheaperAt(cheaperFrom! * 1.01)]).toEqual([false, true])
    }
  })

  it('write the same results, and have the same stream where they can read it', () => {
    const { bill, logUsd, alternatives } = costReport(streams, load)
    const [flink, kafka] = alternatives
    expect([flink!.name, flink!.logUsd]).toEqual(['Managed Flink', logUsd])
    expect(logUsd).toBe(usdOf(bill, 'on-demand streams, in and out'))
    // Kafka Streams reads no stream: its records lie in MSK.
    expect(kafka!.of).toContain('MSK brokers for the stream')
    expect(kafka!.logUsd).toBeGreaterThan(60)
    const less = costReport(
      { ...streams, operators: streams.operators.map((of) => ({ ...of, hasTable: false })) },
      load,
    )
    for (const [i, { processingUsd }] of alternatives.entries())
      expect(processingUsd - less.alternatives[i]!.processingUsd).toBeCloseTo(usdOf(bill, 'results'), 9)
  })

  it("read the topics that are there, which are in nobody's bill", () => {
    const topics = { ...shape, sources: shape.sources.map((of) => ({ ...of, connector: 'kafka' })) }
    const { logUsd, alternatives } = costReport(topics, load)
    expect([logUsd, ...alternatives.map((of) => of.logUsd)]).toEqual([0, 0, 0])
    for (const { of } of alternatives) expect(of).not.toContain('stream')
  })
})
