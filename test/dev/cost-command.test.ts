import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { millrace } from './cli.js'
import { testFolder } from './folders.js'

const path = testFolder('cost')
const FLIGHTS = 'examples/flights/pipeline.ts'

let runs = 0
/** What a run has printed: two write units each hundred records, five microseconds each, batches of a thousand. */
function runOf({ delivered, records }: { readonly delivered: number; readonly records: number }): string {
  const summary = {
    delivered,
    invocations: Math.ceil(records / 1_000),
    cpuSeconds: records * 5e-6,
    usage: { writeUnits: records / 50, readUnits: records / 200 },
    status: { stages: [{ splits: [{ in: records }] }] },
  }
  const file = path(`run-${runs++}.json`)
  writeFileSync(file, JSON.stringify(summary))
  return file
}

describe('millrace cost', () => {
  it('prints a bill by service beside those of others, with the rate from which each is cheaper', async () => {
    const { code, out } = await millrace('cost', FLIGHTS, '--rate', '500/s', '--size', '100B', '--keys', '300')
    expect(code).toBe(0)
    expect(out).toMatch(/^500 records a second of 100 bytes, 300 keys, a month of 730 hours/)
    expect(out).toMatch(/DynamoDB: state: write units +\$\d/)
    expect(out).toMatch(/Kinesis: streams on demand, in and out +\$\d/)
    const words = out.replace(/\s+/g, ' ')
    expect(words).toMatch(/Managed Flink .* from [\d,]+ records a second/)
    expect(words).toMatch(/List prices of 20\d\d-\d\d-\d\d, us-east-1.*Units by the plan alone/)
    expect(out).toMatch(/\$\d+ a month, \$\d+\.\d\d a million records\n$/)
  })

  it('takes what a run has measured, and is JSON where it is asked for', async () => {
    const file = runOf({ delivered: 20_000, records: 20_000 })
    const { code, out } = await millrace(
      'cost',
      FLIGHTS,
      '--rate',
      '4k/s',
      '--size',
      '100B',
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
    [['--rate', 'fast', '--size', '100B'], /A rate is records a second, .*; it is "fast"\./],
    [['--rate', '1/s', '--size', 'small'], /A record's size is such as 300B or 2KB, 10MB at most; it is "small"\./],
    [['--rate', '1/s', '--size', '1B', '--keys', 'many'], /--keys is a whole number; it is "many"\./],
    [['--rate', '1/s', '--size', '1B', '--from-run', 'nowhere.json'], /The file nowhere\.json cannot be read as JSON/],
    [
      ['--rate', '1/s', '--size', '1B', '--from-run', 'package.json'],
      /package\.json is no summary of a run\. Make one: millrace run PIPELINE --fresh --json/,
    ],
    [['--size', '1B'], /required option '--rate <rate>' not specified/],
  ])('%j is refused with words', async (args, words) => {
    const { code, err } = await millrace('cost', FLIGHTS, ...args)
    expect(code).toBe(2)
    expect(err).toMatch(words)
  })

  it('a run of a handful of records says so', async () => {
    const file = runOf({ delivered: 8, records: 8 })
    const { code, err } = await millrace('cost', FLIGHTS, '--rate', '1/s', '--size', '1B', '--from-run', file)
    expect([code, err]).toEqual([2, expect.stringMatching(/is of 8 records.*Take a sample of 10000 or more/)])
  })

  it('a run that was cut short says so', async () => {
    const file = runOf({ delivered: 10, records: 20_000 })
    const { code, err } = await millrace('cost', FLIGHTS, '--rate', '1/s', '--size', '1B', '--from-run', file)
    expect([code, err]).toEqual([2, expect.stringMatching(/has counted 10 of 20000 records: a cost needs a whole one/)])
  })
})
