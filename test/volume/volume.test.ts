import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { draws } from '../draws.js'
import { built } from '../services/built.js'

/**
 * A million in the long form, and a tenth as many keys in any: a window of the short form is as full as one of the
 * long.
 */
const RECORDS = draws(200_000, 1_000_000)
const KEYS = RECORDS / 10
const BATCHES = RECORDS / 10_000
/** A third more than it needs: what grows with the records on top of that ends the process. */
const HEAP_MB = 256
/** What may stay when all is closed, the memory store and the code counted in. */
const REST_MB = 75

/** All records through the handlers, in a process whose heap has a limit. */
async function through(shape: string): Promise<any> {
  const args = ['--expose-gc', `--max-old-space-size=${HEAP_MB}`]
  args.push(built('test/volume/child.js'), shape, String(RECORDS), String(KEYS))
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

/** Invariant 10, and what the panes say: each record is in one window, once. */
function expectNothingLost(seen: any): void {
  expect(seen.counters).toEqual([
    [RECORDS, 0, 0, RECORDS, 0],
    [RECORDS, 0, 0],
  ])
  const { Records, Rejected, Filtered, Repeats, Late, Expired, SinkRows } = seen.metrics
  expect({ Records, Rejected, Filtered, Repeats, Late, Expired, SinkRows }).toEqual({
    Records: RECORDS,
    Rejected: 0,
    Filtered: 0,
    Repeats: 0,
    Late: 0,
    Expired: 0,
    SinkRows: seen.panes,
  })
  expect([seen.status, seen.answered, seen.rejected]).toEqual(['ended', BATCHES, 0])
  // Values are 0 to 99 in turn.
  expect([seen.counted, seen.sum]).toEqual([RECORDS, (RECORDS * 99) / 2])
}

const en = (count: number): string => count.toLocaleString('en')

describe(`invariant 10, 11: ${en(RECORDS)} records over ${en(KEYS)} keys, in batches of 10,000`, () => {
  it.each([
    ['in five windows that stay open to the end', 'even', 0.4, 0.5, [0, 0]],
    ['with one key as hot as all of them', 'hot', 0.25, 0.4, [0.48, 0.52]],
    ['in five open windows that move on, sixty times', 'moving', 0.9, 1, [0, 0]],
  ] as const)('%s', async (_, shape, least, most, [hotLeast, hotMost]) => {
    const seen = await through(shape)
    expectNothingLost(seen)
    expect(seen.panes).toBeGreaterThan(least * RECORDS)
    expect(seen.panes).toBeLessThan(most * RECORDS)
    expect(seen.hot).toBeGreaterThanOrEqual(hotLeast * RECORDS)
    expect(seen.hot).toBeLessThanOrEqual(hotMost * RECORDS)
    expect(seen.restMb).toBeLessThan(REST_MB)
  })
})
