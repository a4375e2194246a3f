import { describe, expect, it } from 'vitest'
import { PRICES } from '../../lib/cost/prices.js'
import { progressText } from '../../lib/dev/cli/progress.js'
import { conservation, type RunSummary, statusOf, summaryText } from '../../lib/dev/index.js'
import { costPerMillion, imbalance, recordsIn } from '../../lib/dev/summary.js'
import { fileEvent, Harness } from '../runtime/harness.js'
import { at, counting } from '../runtime/pipelines.js'

const split = (name: string, given: number, rejected: number, filtered: number) => ({
  split: name,
  status: 'ended',
  stopped: '',
  position: '00000000000000000009',
  ownWatermark: 1_000_000_000_000,
  in: given,
  rejected,
  filtered,
  passed: given - rejected - filtered,
  repeats: 0,
  held: 0,
  unlikely: 0,
  empty: 0,
  steps: [],
  operators: [{ counted: 12_345, late: 6, expired: 1, outside: 0 }],
  highest: 1_000_000_100_000,
  checkpointedAt: 0,
})

const summary: RunSummary = {
  pipeline: 'revenue',
  complete: true,
  alreadyComplete: false,
  resumed: false,
  delivered: 13_000,
  seconds: 1,
  cpuSeconds: 0.13,
  busySeconds: 0.9,
  invocations: 13,
  status: {
    complete: true,
    openWindows: 0,
    stages: [
      {
        stage: 0,
        watermark: undefined,
        ended: true,
        complete: true,
        splits: [split('orders/shardId-000000000000', 12_500, 100, 50), split('legacy/legacy-0', 500, 0, 0)],
        operators: ['revenue'],
      },
    ],
  },
  sinks: [
    { name: 'revenue', file: '/out/revenue.ndjson', rows: 1_234 },
    { name: 'late', file: '/out/late.ndjson', rows: 2 },
  ],
  flow: [
    { depth: 0, step: 'orders', in: 12_500, out: 12_400, rejected: 100, note: '100 rejected' },
    { depth: 1, step: 'filter (o) => o.paid', in: 12_400, out: 12_350, rejected: 0, note: '50 dropped' },
    { depth: 0, step: 'legacy', in: 500, out: 500, rejected: 0, note: '' },
  ],
  rejected: [
    {
      sink: 'rejected',
      file: '/out/rejected.ndjson',
      reason: 'bad-json',
      rows: 100,
      example: {
        source: 'orders',
        split: 'shardId-000000000000',
        position: '1',
        detail: 'A record is one JSON value.',
        place: { file: 'orders.ndjson', line: 17 },
      },
    },
  ],
  usage: { requests: 260, writeUnits: 520, readUnits: 130.5 },
  faults: {},
}

describe('what a run ends with', () => {
  it('invariant 10: conservation by split and in all', () => {
    expect(conservation(summary)).toMatchInlineSnapshot(`
      "                                                                 revenue:
      split                            in  rejected  filtered  passed   counted
      orders/shardId-000000000000  12,500       100        50  12,350    12,345
      legacy/legacy-0                 500         0         0     500    12,345
      all                          13,000       100        50  12,850    24,690

      split                        counted late  expired
      orders/shardId-000000000000             6        1
      legacy/legacy-0                         6        1
      all                                    12        2"
    `)
    expect(imbalance(summary)).toBeUndefined()
    const [stage] = summary.status.stages
    const lost = { ...stage!, splits: [stage!.splits[0]!, { ...stage!.splits[1]!, passed: 499 }] }
    expect(imbalance({ ...summary, status: { ...summary.status, stages: [lost] } })).toBe(
      'legacy/legacy-0: in differs from rejected + filtered + passed',
    )
  })

  it('in full', () => {
    expect(summaryText(summary)).toMatchInlineSnapshot(`
      "                                                                 revenue:
      split                            in  rejected  filtered  passed   counted
      orders/shardId-000000000000  12,500       100        50  12,350    12,345
      legacy/legacy-0                 500         0         0     500    12,345
      all                          13,000       100        50  12,850    24,690

      split                        counted late  expired
      orders/shardId-000000000000             6        1
      legacy/legacy-0                         6        1
      all                                    12        2

      step                        in     out
      orders                  12,500  12,400  100 rejected
        filter (o) => o.paid  12,400  12,350  50 dropped
      legacy                     500     500

      bad-json: 100 rows in rejected (/out/rejected.ndjson)
        for example orders.ndjson:17: A record is one JSON value.

      results   revenue: 1,234 rows in /out/revenue.ndjson
                late: 2 rows in /out/late.ndjson
      state     520 write units, 131 read units, 260 requests in this run
                per event: 0.0400 write units, 0.0200 requests, 10.0 us CPU (including the emulated pollers)
                per million events: $0.026 for DynamoDB, $0.000 for Lambda (list prices of 2026-10-01; Lambda by this machine's CPU)
      All input is read and every window is closed. 100 of 13,000 records were rejected."
    `)
  })

  it('stopped early, after faults: no cost of an event, and how to go on', () => {
    const [stage] = summary.status.stages
    const stages = [{ ...stage!, ended: false, watermark: 1_000_000_000_000 }]
    const text = summaryText({
      ...summary,
      complete: false,
      delivered: 100,
      status: { ...summary.status, stages },
      faults: { throttle: 3, killAfter: 1 },
    })
    expect(text).not.toContain('per event:')
    expect(text.split('\n').slice(-2)).toEqual([
      'faults    throttle 3, killAfter 1',
      'Stopped before the end; watermark 2001-09-09 01:46. Run it again to resume.',
    ])
  })

  it('costs are list prices of units and CPU', () => {
    const { state, functions } = costPerMillion(summary)
    expect(state).toBeCloseTo(((520 * PRICES.writeUnit + 130.5 * PRICES.readUnit) / 13_000) * 1e6, 12)
    expect(functions).toBeCloseTo(
      ((0.13 * (1769 / 1024) * PRICES.lambdaGbSecond + 13 * PRICES.lambdaRequest) / 13_000) * 1e6,
      12,
    )
    expect(costPerMillion({ ...summary, status: { ...summary.status, stages: [] } }).state).toBeGreaterThan(0)
  })

  it('records are those of all sources, and not what an operator hands to the next stage', () => {
    const [stage] = summary.status.stages
    const next = {
      ...stage!,
      stage: 1,
      operators: ['daily'],
      splits: [split('revenue/0', 9_000, 0, 0), split('returns/0', 7_000, 0, 0)],
    }
    const chained = { ...summary, status: { ...summary.status, stages: [stage!, next] } }
    expect([recordsIn(summary), recordsIn(chained)]).toEqual([13_000, 20_000])
    // Events that are unpacked, as CloudWatch Logs are, deliver fewer than are counted; a run that went on has used
    // less than they say.
    const priced = (more: Partial<RunSummary>) => summaryText({ ...summary, ...more }).includes('per million events')
    expect([priced({ delivered: 400 }), priced({ resumed: true })]).toEqual([true, false])
  })

  it('progress on one line', () => {
    const { status } = summary
    expect(progressText({ delivered: 12_345, perSecond: 999.6, status })).toBe(
      '12,345 events   1,000/s   watermark at the end   lag -   open windows 0',
    )
    const stage = { ...status.stages[0]!, ended: false, watermark: 1_000_000_000_000 }
    expect(progressText({ delivered: 1, perSecond: 1, status: { ...status, stages: [stage], openWindows: 2 } })).toBe(
      '1 events   1/s   watermark 2001-09-09 01:46   lag 2 min   open windows 2',
    )
    expect(progressText({ delivered: 0, perSecond: 0, status: { ...status, stages: [] } })).toBe(
      '0 events   0/s   watermark -   lag -   open windows 0',
    )
  })
})

describe('where a pipeline stands', () => {
  it('before anything, half-way, and at the end, from its items alone', async () => {
    const world = new Harness(counting({ keyGroups: 2 }))
    const { pipeline, store } = world
    expect(await statusOf(pipeline, store)).toEqual({
      stages: [{ stage: 0, watermark: undefined, ended: false, complete: false, splits: [], operators: ['w'] }],
      complete: false,
      openWindows: 0,
    })
    await world.container().ingest(fileEvent('readings', 'p', 0, [at(1), at(35), 'bad', at(5)]))
    const half = await statusOf(pipeline, store)
    expect(half).toMatchObject({
      stages: [{ watermark: 33_000, ended: false, complete: false }],
      complete: false,
      openWindows: 1,
    })
    expect(half.stages[0]!.splits).toEqual([
      {
        split: 'readings/p',
        stopped: '',
        status: 'member',
        position: '00000000000000000003',
        ownWatermark: 33_000,
        in: 4,
        rejected: 1,
        filtered: 0,
        passed: 3,
        repeats: 0,
        held: 0,
        unlikely: 3,
        empty: 0,
        steps: [],
        operators: [{ counted: 2, late: 0, expired: 1, outside: 0 }],
        highest: 35_000,
        checkpointedAt: world.now,
      },
    ])
    world.sources.readings!.splits = [{ split: 'p', closed: true }]
    await world.container().tick()
    expect(await statusOf(pipeline, store)).toMatchObject({
      stages: [{ watermark: undefined, ended: true, complete: true, splits: [{ status: 'ended' }] }],
      complete: true,
      openWindows: 0,
    })
    // Of another run nothing is known.
    expect((await statusOf(pipeline, store, 2)).stages[0]!.splits).toEqual([])
  })
})
