import { describe, expect, it } from 'vitest'
import flights from '../../examples/flights/pipeline.js'
import { DEPLOYMENT, deploymentFor } from '../../lib/cost/deployment.js'
import { estimate } from '../../lib/cost/estimate.js'
import { costReport, shapeOf } from '../../lib/cost/index.js'
import { latencyOf } from '../../lib/cost/latency.js'
import { cheapest } from '../../lib/cost/settings.js'
import {
  count,
  type Duration,
  dynamodbTable,
  kinesisSource,
  monotonous,
  pipeline,
  sum,
  tumbling,
} from '../../lib/index.js'
import { plan } from '../../lib/pipeline/index.js'

interface Sale {
  readonly at: number
  readonly customer: string
  readonly shop: string
  readonly product: string
  readonly price: number
}

const sales = (window: Duration, options: { keyGroups?: number; minAdvance?: Duration } = {}) =>
  shapeOf(
    plan(
      pipeline('sales', options, (p) => {
        const from = p.from(kinesisSource('sales', { timestamp: (sale: Sale) => sale.at, watermark: monotonous() }))
        for (const key of ['customer', 'shop', 'product'] as const)
          from
            .keyBy((sale) => sale[key])
            .window(tumbling(window))
            .aggregate(`by-${key}`, { sales: count(), revenue: sum((sale) => sale.price) })
            .to(dynamodbTable(`by-${key}`))
      }),
    ),
  )

const load = { recordsPerSecond: 500, recordBytes: 300, keys: 1_000 }
const rest = { ...load, recordsPerSecond: 0.0001 }
const three = sales('1h')
const at = (shape: typeof three, of: typeof load, latencyMs: number, shards?: number) =>
  costReport(shape, of, { deployment: deploymentFor(shape, shards), latencyMs })

describe('what it may cost a month, the stream aside', () => {
  it('500 records of 300 bytes a second, results within 10 s: at most $30', () => {
    expect(at(shapeOf(plan(flights)), { ...load, keys: 300 }, 10_000).processingUsd).toBeLessThan(30)
    // Three operators with two figures each. One shard carries as much; a stream on demand has four, and each makes
    // batches of its own.
    expect(at(three, load, 10_000, 1).processingUsd).toBeLessThan(30)
    expect(at(three, load, 10_000).processingUsd).toBeLessThan(40)
    expect(costReport(three, load).processingUsd).toBeGreaterThan(2 * at(three, load, 10_000).processingUsd)
  })

  it('at rest, with every alarm and the dashboard: at most $10, by any settings', () => {
    for (const { processingUsd, lines } of [costReport(three, rest), at(three, rest, 10_000)]) {
      expect(processingUsd).toBeLessThan(10)
      for (const what of ['alarms', 'dashboard']) expect(lines.map((line) => line.what)).toContain(what)
    }
  })
})

describe('the cheapest settings for a latency', () => {
  it('keep it, and cost no more with each step, nor with a longer one', () => {
    const usd = [2_500, 5_000, 10_000, 60_000, 600_000].map((latencyMs) => {
      const { steps, latencySeconds, processingUsd } = at(three, load, latencyMs)
      expect(latencySeconds * 1_000).toBeLessThanOrEqual(latencyMs)
      expect(steps.at(-1)!.latencySeconds).toBe(latencySeconds)
      for (const [i, step] of steps.entries()) if (i > 0) expect(step.usd).toBeLessThan(steps[i - 1]!.usd + 0.01)
      return processingUsd
    })
    for (const [i, of] of usd.entries()) if (i > 0) expect(of).toBeLessThan(usd[i - 1]! + 0.01)
  })

  it('are what no other window, batch and memory is cheaper than', () => {
    const { bill } = at(three, load, 10_000)
    for (let windowSeconds = 0; windowSeconds <= 20; windowSeconds++)
      for (const batchSize of [1_000, 10_000])
        for (const memoryMb of [512, 1_024, 1_769]) {
          const other = { ...DEPLOYMENT, windowSeconds, batchSize, memoryMb }
          if (latencyOf(three, load, other).seconds > 10) continue
          expect(estimate(three, load, other).usd).toBeGreaterThan(bill.usd - 0.02)
        }
  })

  it('leave what is fixed, and shorten a window that is too long', () => {
    const from = { ...deploymentFor(three), windowSeconds: 60, memoryMb: 3_008 }
    const { settings, steps } = cheapest(three, load, from, 5_000, { fixed: ['memoryMb', 'batchSize'] })
    expect(settings).toMatchObject({ memoryMb: 3_008, batchSize: 1_000, windowSeconds: 3 })
    expect(steps[0]!.latencySeconds).toBeGreaterThan(60)
  })

  it('of minutes let the tick come less often, and of seconds each minute', () => {
    expect(at(three, load, 10 * 60_000).settings.ticksPerMinute).toBeLessThan(1 / 2)
    expect(at(three, load, 2 * 60_000).settings.ticksPerMinute).toBe(1 / 2)
    expect(at(three, load, 59_000).settings.ticksPerMinute).toBe(1)
  })

  it('wait for minAdvance where slices are narrow', () => {
    const narrow = (minAdvance: Duration) => latencyOf(sales('5s', { minAdvance }), load, DEPLOYMENT)
    expect([narrow('4s').advance, narrow('1s').advance]).toEqual([4, 0])
    expect(latencyOf(three, load, DEPLOYMENT).advance).toBe(0)
  })

  it('are none where pollers alone take longer, and the least is said', () => {
    expect(() => at(three, load, 900)).toThrow(
      /A latency of 900ms is shorter than .* no batching window, 1\.\d s: 1 s until a poller reads a record/,
    )
    const topic = { ...three, sources: [{ name: 'sales', connector: 'kafka' }] }
    expect(at(topic, load, 900).latency.poll).toBe(0)
  })

  it('go with what only the pipeline or its stream can say, each with what it saves', () => {
    const [groups, stream, dashboard] = at(three, load, 10_000).advice
    const one = sales('1h', { keyGroups: 1 })
    expect(groups!.what).toMatch(/^keyGroups: 1 in the pipeline, before its first deploy/)
    const { deployment } = cheapest(three, load, deploymentFor(three), 10_000, {})
    expect(groups!.savesUsd).toBeCloseTo(estimate(three, load, deployment).usd - estimate(one, load, deployment).usd, 9)
    expect(stream!.what).toMatch(/^a provisioned stream of 1 shard instead of on-demand streams \(--shards 1\)$/)
    expect(stream!.savesUsd).toBeGreaterThan(100)
    expect(dashboard).toEqual({ what: 'dashboard: false in the stack; the alarms stay', savesUsd: 3 })
  })
})
