import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import type { Flight } from '../../examples/flights/pipeline.js'
import quietHours, { type Quiet } from '../../examples/quiet-hours/pipeline.js'
import { run } from '../../lib/dev/index.js'

/** Two days of the airports with some initials. */
const lines = (name: string): string[] =>
  gunzipSync(readFileSync(`examples/flights/data/departures-${name}.ndjson.gz`))
    .toString()
    .split('\n')
    .filter((line) => /"scheduled":"2001-01-0[12].*"origin":"[BDJNO]/.test(line))
const text = (time: number): string => new Date(time).toISOString()

it('the example finds the quiet hours that a plain computation finds in real data', async () => {
  const out = mkdtempSync(join(tmpdir(), 'millrace-quiet-'))
  try {
    const byName = { 'departures-a-l': lines('a-l'), 'departures-m-z': lines('m-z') }
    const inputs = Object.fromEntries(
      Object.entries(byName).map(([name, given]) => {
        const file = join(out, `${name}.in`)
        writeFileSync(file, given.join('\n'))
        return [name, [file]]
      }),
    )
    const summary = await run(quietHours, { inputs, splits: 1, batch: 10_000, state: 'memory', out })
    expect(summary.complete).toBe(true)
    const quiet: Quiet[] = readFileSync(join(out, 'quiet.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))

    const times = new Map<string, number[]>()
    for (const line of Object.values(byName).flat()) {
      const { origin, scheduled, delay }: Flight = JSON.parse(line)
      const list = times.get(origin) ?? []
      times.set(origin, list)
      list.push(Date.parse(scheduled.replace(/Z?$/, 'Z')) + delay * 60_000)
    }
    const expected: string[] = []
    for (const [airport, list] of times) {
      list.sort((a, b) => a - b)
      let departures = 1
      for (let i = 1; i < list.length; i++) {
        const ms = list[i]! - list[i - 1]!
        if (ms <= 2 * 3_600_000) {
          departures++
          continue
        }
        expected.push([airport, text(list[i - 1]!), text(list[i]!), departures].join())
        departures = 1
      }
    }
    expect(expected.length).toBeGreaterThan(20)
    expect(quiet.map(({ airport, from, to, departures }) => [airport, from, to, departures].join()).sort()).toEqual(
      expected.sort(),
    )
  } finally {
    rmSync(out, { recursive: true })
  }
})
