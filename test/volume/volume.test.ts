import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const RECORDS = 1_000_000
const BATCHES = 100
/** A third more than it needs: what grows with the records on top of that ends the process. */
const HEAP_MB = 256
/** What may stay when all is closed, the memory store and the code counted in. */
const REST_MB = 75

/** A million records through the handlers, in a process whose heap has a limit. */
async function through(shape: string): Promise<any> {
  const args = ['--expose-gc', `--max-old-space-size=${HEAP_MB}`, '--import', 'tsx']
  args.push(fileURLToPath(new URL('./child.ts', import.meta.url)), shape, String(RECORDS))
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

/** Law 10, and what the panes say: each record is in one window, once. */
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

describe('law 10, 11: a million records over 100,000 keys, in batches of 10,000', { timeout: 120_000 }, () => {
  it.each([
    ['in five windows that stay open to the end', 'even', 400_000, 500_000, [0, 0]],
    ['with one key as hot as all of them', 'hot', 250_000, 400_000, [480_000, 520_000]],
    ['in five open windows that move on, sixty times', 'moving', 900_000, 1_000_000, [0, 0]],
  ] as const)('%s', async (_, shape, least, most, [hotLeast, hotMost]) => {
    const seen = await through(shape)
    expectNothingLost(seen)
    expect(seen.panes).toBeGreaterThan(least)
    expect(seen.panes).toBeLessThan(most)
    expect(seen.hot).toBeGreaterThanOrEqual(hotLeast)
    expect(seen.hot).toBeLessThanOrEqual(hotMost)
    expect(seen.restMb).toBeLessThan(REST_MB)
  })
})
