import { describe, expect, it } from 'vitest'
import {
  count,
  hopping,
  kinesisSource,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  tumbling,
} from '../../lib/index.js'
import type { IdleOptions } from '../../lib/pipeline/graph.js'
import { Harness } from './harness.js'

const MINUTE = 60_000
const HOUR = 3_600_000

interface Row {
  readonly at: number
}

/** Counts by windows, and sums the counts by longer windows if they are given. */
function counted(
  window: ReturnType<typeof tumbling>,
  then?: ReturnType<typeof tumbling>,
  idle?: IdleOptions,
): Pipeline {
  return pipeline('bursty', { deadLetter: ndjson('dead'), ...(idle && { idle }) }, (p) => {
    const rows = p
      .from(kinesisSource('meters', { timestamp: (row: Row) => row.at, watermark: outOfOrder('1m') }))
      .keyBy(() => 'all')
      .window(window, { late: ndjson('late') })
      .aggregate('counts', { n: count() })
      .to(ndjson('out'))
    if (then === undefined) return
    rows
      .keyBy(({ key }) => key)
      .window(then, { late: ndjson('late2') })
      .aggregate('totals', { n: count() })
      .to(ndjson('totals'))
  })
}

/** Counts one source by the hour, and counts these results and the rows of another source by ten minutes. */
const mixed = pipeline('mixed', { deadLetter: ndjson('dead') }, (p) => {
  const source = (name: string) => kinesisSource(name, { timestamp: (row: Row) => row.at, watermark: outOfOrder('1m') })
  p.from(source('meters'))
    .keyBy(() => 'all')
    .window(tumbling('1h'), { late: ndjson('late') })
    .aggregate('counts', { n: count() })
    .map(({ window }): Row => ({ at: window.end - 1 }))
    .merge(p.from(source('others')))
    .keyBy(() => 'all')
    .window(tumbling('10m'), { late: ndjson('late2') })
    .aggregate('totals', { n: count() })
    .to(ndjson('totals'))
})

/** A shard, and ticks that are a minute apart. */
class Meter {
  readonly world: Harness
  private readonly start: number
  private sequence = 0

  constructor(pipeline: Pipeline) {
    this.world = new Harness(pipeline)
    for (const source of Object.values(this.world.sources)) {
      source.splits = [{ split: 'shardId-0', closed: false }]
      source.bounded = false
    }
    this.world.now = Math.floor(this.world.now / (24 * HOUR)) * 24 * HOUR
    this.start = this.world.now
  }

  /** Sends rows with timestamps that are this many minutes after the start. */
  async send(minutes: readonly number[], stream = 'meters'): Promise<void> {
    const { world, start } = this
    const Records = minutes.map((minute) => ({
      eventSource: 'aws:kinesis',
      eventSourceARN: `arn:aws:kinesis:eu-west-1:1:stream/${stream}`,
      eventID: `shardId-0:${1000 + this.sequence}`,
      kinesis: {
        sequenceNumber: String(1000 + this.sequence++),
        approximateArrivalTimestamp: world.now / 1000,
        partitionKey: 'p',
        data: Buffer.from(JSON.stringify({ at: start + minute * MINUTE })).toString('base64'),
      },
    }))
    await world.container().ingest({ Records })
  }

  async wait(minutes: number): Promise<void> {
    for (let i = 0; i < minutes; i++) {
      this.world.now += MINUTE
      await this.world.container().tick()
    }
  }

  /** Another source sends a row every minute. */
  async others(minutes: number): Promise<void> {
    for (let i = 0; i < minutes; i++) {
      await this.send([(this.world.now - this.start) / MINUTE], 'others')
      await this.wait(1)
    }
  }

  /** The counts in the first results of a sink. */
  counts(sink: string, results: number): number[] {
    return this.world.rows
      .get(sink)!
      .slice(0, results)
      .map(({ value }) => value.n)
  }

  /** The total count of a sink. */
  sum(sink: string): number {
    return (this.world.rows.get(sink) ?? []).reduce((sum, row) => sum + row.value.n, 0)
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('what is open is closed when all is quiet', () => {
  it('hourly uploads in perfect order are counted whole, and the last window closes', async () => {
    const meter = new Meter(counted(tumbling('10m')))
    for (let hour = 1; hour <= 4; hour++) {
      await meter.wait(60)
      await meter.send(range((hour - 1) * 60, hour * 60))
    }
    await meter.wait(20)
    expect(meter.sum('out')).toBe(240)
    expect(meter.world.rows.get('out')).toHaveLength(24)
    expect(meter.world.rows.get('late')).toBeUndefined()
  })

  it('event time stops at the end of the last window that holds rows, however long nothing comes', async () => {
    const meter = new Meter(counted(tumbling('10m')))
    await meter.send([3])
    await meter.wait(180)
    // In the window after it, which is hours late.
    await meter.send([10, 11])
    await meter.wait(20)
    expect(meter.sum('out')).toBe(3)
    expect((await meter.world.watermark())?.watermark).toBe(1_699_920_000_000 + 20 * MINUTE)
  })

  it('a window that is longer than the silence goes on after it', async () => {
    const meter = new Meter(counted(tumbling('6h')))
    for (let hour = 0; hour < 6; hour += 2) {
      await meter.send([hour * 60])
      await meter.wait(120)
    }
    await meter.wait(20)
    expect(meter.sum('out')).toBe(3)
    expect(meter.world.rows.get('late')).toBeUndefined()
  })

  it('windows that overlap are all closed', async () => {
    const meter = new Meter(counted(hopping('30m', '10m')))
    await meter.send([3])
    await meter.wait(60)
    expect(meter.world.rows.get('out')).toHaveLength(3)
  })

  it('nothing is closed before idle.close, which a pipeline may choose', async () => {
    const meter = new Meter(counted(tumbling('1m'), undefined, { close: '2h' }))
    await meter.send([0])
    await meter.wait(119)
    expect(meter.world.rows.get('out')).toBeUndefined()
    await meter.send([0])
    await meter.wait(121)
    expect(meter.sum('out')).toBe(2)
  })
})

describe('invariant 5: operators after each other', () => {
  it('the last window of the second closes too, and uploads lose nothing in the first', async () => {
    const meter = new Meter(counted(tumbling('10m'), tumbling('3h')))
    for (let hour = 1; hour <= 4; hour++) {
      await meter.wait(60)
      await meter.send(range((hour - 1) * 60, hour * 60))
    }
    await meter.wait(30)
    expect(meter.sum('out')).toBe(240)
    expect(meter.sum('totals')).toBe(18)
    // By the clock, the window of the last hour ends two hours later.
    await meter.wait(150)
    expect(meter.sum('totals')).toBe(24)
    expect(meter.world.rows.get('late')).toBeUndefined()
    expect(meter.world.rows.get('late2')).toBeUndefined()
  })

  it('a key group that had left comes back behind a gate: what the second has closed takes no more', async () => {
    const meter = new Meter(counted(tumbling('10m'), tumbling('1h')))
    await meter.wait(60)
    await meter.send(range(0, 15))
    await meter.wait(90)
    expect(meter.sum('totals')).toBe(2)
    await meter.send(range(20, 70))
    await meter.wait(90)
    // The first accepts all of them. Four of its results belong to an hour that has ended.
    expect(meter.sum('out')).toBe(65)
    expect(meter.sum('totals')).toBe(3)
    expect(meter.world.rows.get('late2')).toHaveLength(4)
  })

  it('a key group stays while the stage before it holds rows, though it is quiet', async () => {
    const meter = new Meter(mixed)
    await meter.others(15)
    await meter.send(range(0, 5))
    await meter.others(80)
    // The hour of the idle source ends by the clock, fifteen minutes late. The time of the other source waits for it.
    expect(meter.world.rows.get('late2')).toBeUndefined()
    expect(meter.counts('totals', 6)).toEqual([10, 10, 10, 10, 10, 11])
  })

  it('a key group stays while records wait for the stage before it', async () => {
    const meter = new Meter(mixed)
    meter.world.sources.meters!.waiting.add('shardId-0')
    await meter.others(30)
    expect(meter.world.rows.get('totals')).toBeUndefined()
    meter.world.sources.meters!.waiting.clear()
    await meter.send(range(0, 5))
    await meter.others(80)
    expect(meter.world.rows.get('late2')).toBeUndefined()
    expect(meter.counts('totals', 6)).toEqual([10, 10, 10, 10, 10, 11])
  })
})
