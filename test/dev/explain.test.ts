import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { millrace } from './cli.js'
import { testFolder, writeLines } from './folders.js'

const path = testFolder('explain')
const lib = new URL('../../lib/index.ts', import.meta.url).href
const source = `
import { count, fileSource, ndjson, outOfOrder, pipeline, sum, tumbling } from ${JSON.stringify(lib)}
const clicks = fileSource('clicks', { timestamp: (c) => c.t, watermark: outOfOrder('1s'), partitionKey: (c) => c.k })
export default pipeline('clicks', { deadLetter: ndjson('rejected'), keyGroups: 2 }, (p) => {
  const valid = p.from(clicks).filter((c) => c.v >= 0)
  valid.filter((c) => c.v > 90).to(ndjson('large'))
  return valid
    .map((c) => ({ ...c, v: c.v * 2 }))
    .keyBy((c) => c.k)
    .window(tumbling('10s'), { allowedLateness: '5s', accumulation: 'retracting', late: ndjson('late') })
    .aggregate('perKey', { n: count(), sum: sum((c) => c.v) })
    .filter((result) => result.value.n > 0)
    .keyBy(() => 'all')
    .window(tumbling('20s'))
    .aggregate('perMinute', { keys: count() })
    .to(ndjson('totals'))
})
`
const pipeline = path('pipeline.js')
const input = path('clicks.ndjson')
afterAll(() => vi.unstubAllEnvs())
beforeAll(() => {
  vi.stubEnv('COLUMNS', '200')
  writeFileSync(pipeline, source)
  writeLines(input, [
    { t: 1_000, k: 'a', v: 1 },
    { t: 2_000, k: 'b', v: 95 },
    { t: 3_000, k: 'a', v: -1 },
    '{"t":',
    { t: 12_000, k: 'a', v: 4 },
    { t: 4_000, k: 'a', v: 5 },
    { t: 31_000, k: 'a', v: 6 },
    { t: 5_000, k: 'a', v: 7 },
  ])
})
/** What is said of a record, without the progress on standard error. */
const explain = async (...flags: string[]): Promise<string> => {
  const { code, out } = await millrace('explain', pipeline, '--input', `clicks=${input}`, '--splits', '1', ...flags)
  expect(code).toBe(0)
  return out.replaceAll(path(), '')
}

describe('millrace explain', () => {
  it('a record that counts: its steps, its windows, and the results that hold it, down the chain', async () => {
    expect(await explain('--record', `${input}:1`)).toMatchInlineSnapshot(`
      "/clicks.ndjson:1  clicks part-0 position 00000000000000000000
      record     {"t":1000,"k":"a","v":1}
      outcome    counted
      watermark  of the split: none yet before this record, 1970-01-01T00:00:00.000Z after it
      time       1970-01-01T00:00:01.000Z

      steps
        filter (c) => c.v >= 0  kept
          filter (c) => c.v > 90  dropped
          map (c) => ({ ...c, v: c.v * 2 })  {"t":1000,"k":"a","v":2}
            perKey  key "a"
              counted in 1970-01-01 00:00 to 00:00:10

      results that contain it
        perKey  "a"  1970-01-01 00:00 to 00:00:10  pane 0, on time
          {"n":1,"sum":2}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
        perKey  "a"  1970-01-01 00:00 to 00:00:10  pane 1, late, retracted
          {"n":1,"sum":2}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
        perKey  "a"  1970-01-01 00:00 to 00:00:10  pane 1, late
          {"n":2,"sum":12}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
        perMinute  "all"  1970-01-01 00:00 to 00:00:20  pane 0, on time
          {"keys":3}
          -> totals
      "
    `)
  })

  it('a late record, and a branch that took it', async () => {
    expect(await explain('--record', 'clicks.ndjson:6')).toMatchInlineSnapshot(`
      "/clicks.ndjson:6  clicks part-0 position 00000000000000000005
      record     {"t":4000,"k":"a","v":5}
      outcome    counted
      watermark  of the split: 1970-01-01T00:00:11.000Z before this record, 1970-01-01T00:00:11.000Z after it
      time       1970-01-01T00:00:04.000Z

      steps
        filter (c) => c.v >= 0  kept
          filter (c) => c.v > 90  dropped
          map (c) => ({ ...c, v: c.v * 2 })  {"t":4000,"k":"a","v":10}
            perKey  key "a"
              counted late in 1970-01-01 00:00 to 00:00:10

      results that contain it
        perKey  "a"  1970-01-01 00:00 to 00:00:10  pane 1, late, retracted
          {"n":1,"sum":2}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
        perKey  "a"  1970-01-01 00:00 to 00:00:10  pane 1, late
          {"n":2,"sum":12}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
        perMinute  "all"  1970-01-01 00:00 to 00:00:20  pane 0, on time
          {"keys":3}
          -> totals
      "
    `)
  })

  it('a record for a sink alone, and which filter dropped another', async () => {
    expect(await explain('--record', `${input}:2`)).toContain('\n  -> large  {"t":2000,"k":"b","v":95}\n')
    expect(await explain('--record', `${input}:3`)).toMatchInlineSnapshot(`
      "/clicks.ndjson:3  clicks part-0 position 00000000000000000002
      record     {"t":3000,"k":"a","v":-1}
      outcome    filtered: no step passed a row on to an operator or a sink
      watermark  of the split: 1970-01-01T00:00:01.000Z before this record, 1970-01-01T00:00:02.000Z after it
      time       1970-01-01T00:00:03.000Z

      steps
        filter (c) => c.v >= 0  dropped
      "
    `)
  })

  it('a rejected record, by its line or as its dead letter names it', async () => {
    const text = await explain('--record', `${input}:4`)
    expect(text).toMatchInlineSnapshot(`
      "/clicks.ndjson:4  clicks part-0 position 00000000000000000003
      record     {"t":
      outcome    rejected, bad-json: A record is one JSON value; the value of this one is incomplete after 5 bytes. Have its producer send it whole.
      watermark  of the split: 1970-01-01T00:00:02.000Z before this record, 1970-01-01T00:00:02.000Z after it

      written
        -> rejected  bad-json
      "
    `)
    expect(await explain('--split', 'part-0', '--position', '00000000000000000003')).toBe(text)
    expect(await explain('--split', 'clicks/part-0', '--position', '00000000000000000003')).toBe(text)
  })

  it('a record whose windows no longer took it', async () => {
    expect(await explain('--record', `${input}:8`)).toMatchInlineSnapshot(`
      "/clicks.ndjson:8  clicks part-0 position 00000000000000000007
      record     {"t":5000,"k":"a","v":7}
      outcome    expired: its windows no longer accepted rows when it arrived
      watermark  of the split: 1970-01-01T00:00:30.000Z before this record, 1970-01-01T00:00:30.000Z after it
      time       1970-01-01T00:00:05.000Z

      steps
        filter (c) => c.v >= 0  kept
          filter (c) => c.v > 90  dropped
          map (c) => ({ ...c, v: c.v * 2 })  {"t":5000,"k":"a","v":14}
            perKey  key "a"
              expired, no longer accepted by 1970-01-01 00:00 to 00:00:10

      written for this record
        -> late  expired

      No result contains it.
      "
    `)
  })

  it('all that came with a key', async () => {
    expect(await explain('--key', 'a')).toMatchInlineSnapshot(`
      "perKey: 5 records with the key "a"
        /clicks.ndjson:1  1970-01-01T00:00:01.000Z
        /clicks.ndjson:5  1970-01-01T00:00:12.000Z
        /clicks.ndjson:6  1970-01-01T00:00:04.000Z
        /clicks.ndjson:7  1970-01-01T00:00:31.000Z
        /clicks.ndjson:8  1970-01-01T00:00:05.000Z  expired

      results
        perKey  "a"  1970-01-01 00:00 to 00:00:10  pane 0, on time
          {"n":1,"sum":2}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
        perKey  "a"  1970-01-01 00:00 to 00:00:10  pane 1, late, retracted
          {"n":1,"sum":2}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
        perKey  "a"  1970-01-01 00:00 to 00:00:10  pane 1, late
          {"n":2,"sum":12}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
        perKey  "a"  1970-01-01 00:00:10 to 00:00:20  pane 0, on time
          {"n":1,"sum":8}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
        perKey  "a"  1970-01-01 00:00:30 to 00:00:40  pane 0, on time
          {"n":1,"sum":12}
          filter (result) => result.value.n > 0  kept
            perMinute  key "all"
      "
    `)
    expect(await explain('--key', 'nobody')).toBe('No operator received a record with the key "nobody".\n')
  })

  it('says the same whatever the splits, and as JSON', async () => {
    const args = ['explain', pipeline, '--input', `clicks=${input}`, '--record', `${input}:1`, '--json']
    const results = async (splits: string) => JSON.parse((await millrace(...args, '--splits', splits)).out).results
    const one = await results('1')
    expect(one.map(({ operator }: { operator: string }) => operator)).toEqual([
      'perKey',
      'perKey',
      'perKey',
      'perMinute',
    ])
    expect(await results('3')).toHaveLength(4)
    // And they are those of a run.
    const out = path('out')
    expect(
      (await millrace('run', pipeline, '--input', `clicks=${input}`, '--state', 'memory', '--out', out)).code,
    ).toBe(0)
    const totals = readFileSync(`${out}/totals.ndjson`, 'utf8').trimEnd().split('\n')
    expect(totals.map((line) => JSON.parse(line))).toContainEqual(one[3].result)
  })

  it.each([
    [
      [],
      2,
      /Specify what to explain with exactly one of: --record FILE:LINE, --key KEY, or --split SPLIT --position POSITION/,
    ],
    [['--key', 'a', '--record', 'x:1'], 2, /exactly one of/],
    [['--split', 'part-0'], 2, /exactly one of/],
    [['--record', 'clicks.ndjson'], 2, /--record must be FILE:LINE, such as orders\.ndjson:17; it is "clicks\.ndjson"/],
    [['--record', 'other.ndjson:1'], 2, /other\.ndjson is not an input of this run; its inputs are .*clicks\.ndjson/],
    [['--record', 'clicks.ndjson:99'], 2, /No record of .*clicks\.ndjson begins on line 99 or after it/],
    [
      ['--split', 'part-7', '--position', '0'],
      2,
      /No source of this run has a split part-7; its splits are clicks\/part-0/,
    ],
    [['--split', 'part-0', '--position', 'x'], 2, /has the form 00000000000000000000; it is "x"/],
    [['--split', 'part-0', '--position', '00000000000000000099'], 2, /has 8 records/],
  ] as const)('%j is refused with words', async (flags, wanted, words) => {
    const { code, err } = await millrace('explain', pipeline, '--input', `clicks=${input}`, '--splits', '1', ...flags)
    expect(err).toMatch(words)
    expect(code).toBe(wanted)
  })
})
