import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { millrace } from './cli.js'
import { testFolder } from './folders.js'

const path = testFolder('cost')
const FLIGHTS = 'examples/flights/pipeline.ts'

const splitOf = (split: string, records: number) => ({ split, in: records })

let runs = 0
/** What a run has printed: two write units each hundred records, five microseconds each, batches of a thousand. */
function runOf({ records, ...more }: { readonly records: number; readonly [name: string]: unknown }): string {
  const summary = {
    pipeline: 'flights',
    complete: true,
    alreadyComplete: false,
    resumed: false,
    delivered: records,
    invocations: Math.ceil(records / 1_000),
    cpuSeconds: records * 5e-6,
    usage: { writeUnits: records / 50, readUnits: records / 200 },
    // Two sources, and an operator that another one reads: what it hands on has been counted once.
    status: {
      stages: [
        {
          operators: ['hourly'],
          splits: [splitOf('departures-a-l/0', 0.4 * records), splitOf('departures-m-z/0', 0.1 * records)],
        },
        { operators: ['daily'], splits: [splitOf('hourly/0', 3 * records), splitOf('later/0', 0.5 * records)] },
      ],
    },
    ...more,
  }
  const file = path(`run-${runs++}.json`)
  writeFileSync(file, JSON.stringify(summary))
  return file
}

beforeAll(() => {
  vi.stubEnv('COLUMNS', '120')
})
afterAll(() => vi.unstubAllEnvs())

describe('millrace cost', () => {
  it('prints a bill by service beside those of others, with the rate from which each is cheaper', async () => {
    const { code, out } = await millrace('cost', FLIGHTS, '--rate', '500/s', '--size', '100B', '--keys', '300')
    expect(code).toBe(0)
    expect(out).toMatch(/^500 records\/s of 100 bytes, 300 keys, a month of 730 hours/)
    expect(out).toMatch(/DynamoDB: state: write units +\$\d/)
    expect(out).toMatch(/Kinesis: on-demand streams, in and out +\$\d/)
    const words = out.replace(/\s+/g, ' ')
    expect(words).toMatch(/Managed Flink \(.*, the same stream\) \$\d.* from [\d,]+ records\/s/)
    expect(words).toMatch(/Millrace \$\d+\.\d\d \$\d+/)
    expect(words).toMatch(/List prices of 20\d\d-\d\d-\d\d, us-east-1.* Units are estimated from the plan/)
    expect(words).toMatch(
      /\$\d+ per month, \$\d+\.\d\d per million records; without the stream \$[\d.]+ results at most 2\.1 s after the record/,
    )
  })

  it('takes what a run has measured, and is JSON where it is asked for', async () => {
    const file = runOf({ records: 20_000 })
    const { code, out } = await millrace(
      'cost',
      FLIGHTS,
      '--rate',
      '4k/s',
      '--size',
      '100B',
      '--splits',
      '4',
      '--batch',
      '2000',
      '--from-run',
      file,
      '--json',
    )
    expect(code).toBe(0)
    const { bill } = JSON.parse(out)
    expect(bill.isMeasured).toBe(true)
    const { usd } = bill.lines.find((line: { what: string }) => line.what === 'state: write units')
    expect(usd).toBeCloseTo((4_000 * 730 * 3_600 * 0.02 * 0.625) / 1e6, 2)
  })

  it.each([
    [['--rate', 'fast', '--size', '100B'], /A rate must be in records per second, .*; it is "fast"\./],
    [
      ['--rate', '1/s', '--size', 'small'],
      /The size of a record must have the form 300B or 2KB, at most 10MB; it is "small"\./,
    ],
    [['--rate', '1/s', '--size', '1B', '--keys', 'many'], /--keys must be a whole number; it is "many"\./],
    [['--rate', '1/s', '--size', '1B', '--from-run', 'nowhere.json'], /The file nowhere\.json cannot be read as JSON/],
    [
      ['--rate', '1/s', '--size', '1B', '--from-run', 'package.json'],
      /package\.json is not the summary of a run\. Create one: millrace run PIPELINE --fresh --json/,
    ],
    [['--size', '1B'], /required option '--rate <rate>' not specified/],
  ])('%j is refused with words', async (args, words) => {
    const { code, err } = await millrace('cost', FLIGHTS, ...args)
    expect(code).toBe(2)
    expect(err).toMatch(words)
  })

  it('a run of a handful of records says so', async () => {
    const file = runOf({ records: 8 })
    const { code, err } = await millrace('cost', FLIGHTS, '--rate', '1/s', '--size', '1B', '--from-run', file)
    expect([code, err]).toEqual([2, expect.stringMatching(/has only 8 records.*Run a sample of 10000 records or more/)])
  })

  it.each<[string, object, RegExp]>([
    [
      'was cut short',
      { complete: false },
      /stopped after 20000 records, before the end of its input: .* Run it again with --fresh/,
    ],
    ['went on where another one was', { resumed: true }, /resumed an earlier run, so .* --fresh/],
    ['had nothing to do', { alreadyComplete: true }, /resumed an earlier run, so .* --fresh/],
    [
      'is of another pipeline',
      { pipeline: 'orders' },
      /is for the pipeline "orders", but the estimate is for "flights"/,
    ],
  ])('a run that %s says so', async (_, more, words) => {
    const file = runOf({ records: 20_000, ...more })
    const { code, err } = await millrace('cost', FLIGHTS, '--rate', '1/s', '--size', '1B', '--from-run', file)
    expect([code, err]).toEqual([2, expect.stringMatching(words)])
  })

  it('a run whose events hold several records each is a whole one', async () => {
    // CloudWatch Logs: a delivered record is unpacked into many.
    const file = runOf({ records: 20_000, delivered: 400 })
    const { code } = await millrace('cost', FLIGHTS, '--rate', '1/s', '--size', '1B', '--from-run', file)
    expect(code).toBe(0)
  })
})

describe('millrace cost --latency', () => {
  const ASKED = ['cost', FLIGHTS, '--rate', '500/s', '--size', '300B', '--keys', '300', '--latency', '10s']

  it('prints the bill of each step, the settings that it ends with, and others beside it', async () => {
    const { code, out } = await millrace(...ASKED)
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "500 records/s of 300 bytes, 300 keys, a month of 730 hours

      settings, changed step by step                                                  per month  latency
      current settings: a window of 1 s, batches of 1000, 1769 MB, a tick per minute       $192    2.1 s
      a window of 8 s, batches of 10000                                                    $130    9.1 s
      512 MB                                                                               $128    9.1 s
      Latency: 1 s until a poller reads, 8 s of batching window, 0.1 s of invocations,
      while records arrive from every split, in addition to the out-of-orderness bound.

                                              per month  per million records
      DynamoDB: state: write units               $11.52                $0.01
      DynamoDB: state: read units                 $1.13                $0.00
      DynamoDB: state: storage and recovery       $1.86                $0.00
      DynamoDB: results                           $0.14                $0.00
      Lambda: duration of the functions           $1.35                $0.00
      Lambda: invocations                         $0.53                $0.00
      Kinesis: on-demand streams, in and out       $104                $0.08
      CloudWatch: metrics                         $1.50                $0.00
      CloudWatch: alarms                          $2.20                $0.00
      CloudWatch: dashboard                       $3.00                $0.00
      CloudWatch: logs                            $0.62                $0.00
      total                                        $128                $0.10

      per month                                                        processing     log   total  processing is cheaper
      Millrace                                                             $23.85    $104    $128
      Managed Flink (1 + 1 units, the same stream)                           $166    $104    $270  from 10,965 records/s
      Kafka Streams (2 small instances, 2 MSK brokers for the stream)      $24.66  $68.58  $93.24     from 717 records/s

      further savings, each on its own
        $89.24 less: a provisioned stream of 1 shard instead of on-demand streams (--shards 1)
        $3.00 less: dashboard: false in the stack; the alarms stay

      List prices of 2026-10-01, us-east-1, without free tiers and discounts.
      Units are estimated from the plan: --from-run uses those of a run.
      Infrastructure that you run anyway (a Kafka cluster, a network) is not included.
      $128 per month, $0.10 per million records; without the stream $23.85
      results at most 9.1 s after the record that completes them
      "
    `)
  })

  it('as JSON has lines that add up, steps, settings and the latency', async () => {
    const { lines, bill, steps, settings, latencySeconds } = JSON.parse((await millrace(...ASKED, '--json')).out)
    expect(lines.reduce((sum: number, { usd }: { usd: number }) => sum + usd, 0)).toBeCloseTo(bill.usd, 9)
    for (const line of lines) expect(Object.keys(line)).toEqual(['service', 'what', 'usd'])
    expect(settings).toEqual({ batchSize: 10_000, windowSeconds: 8, memoryMb: 512, ticksPerMinute: 1 })
    expect(steps.at(-1)).toMatchObject({ usd: bill.usd, latencySeconds })
    expect(latencySeconds).toBeLessThanOrEqual(10)
  })

  it('keeps a batch size that is given, and takes provisioned shards', async () => {
    const { settings, lines } = JSON.parse((await millrace(...ASKED, '--batch', '500', '--shards', '2', '--json')).out)
    expect(settings.batchSize).toBe(500)
    expect(lines.map(({ what }: { what: string }) => what)).toContain('provisioned shards')
  })

  it.each([
    ['soon', /--latency must be a duration such as '30s'.*; it is "soon"/],
    ['0s', /--latency must be between 1ms and/],
    ['500ms', /A latency of 500ms is shorter than this pipeline can reach/],
  ])('%s is refused with words', async (latency, words) => {
    const { code, err } = await millrace('cost', FLIGHTS, '--rate', '1/s', '--size', '1B', '--latency', latency)
    expect([code, err]).toEqual([2, expect.stringMatching(words)])
  })
})
