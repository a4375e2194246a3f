import { describe, expect, it } from 'vitest'
import { draws } from '../draws.js'
import { CORE, coreLogs, crashRun, everyPair, everyPoint, WHOLE, wholeLogs } from './crash-points.js'

/** In the short form one point of so many. */
const POINT_STRIDE = draws(11, 1)
const PAIR_STRIDE = draws(19, 1)

describe('invariants 1 to 10: every crash point', () => {
  it('the run holds all that it should go through', async () => {
    const { faults, outcome } = await crashRun(WHOLE, wholeLogs(), [])
    expect(faults).toEqual([])
    const rows = (sink: string): any[] => [...(outcome.rows.get(sink)?.values() ?? [])].map((text) => JSON.parse(text))
    expect(rows('out0').some((row) => row.pane.timing === 'late' && row.op === '-')).toBe(true)
    expect(rows('out1').length).toBeGreaterThan(0)
    expect(rows('dead')).toMatchObject([{ reason: 'bad-json' }])
    expect(rows('late0').length).toBeGreaterThan(0)
    expect(outcome.invocations).toBeGreaterThan(5)
  })

  it('before and after every call: the same rows, each once', async () => {
    const { calls, points, failures } = await everyPoint(WHOLE, wholeLogs(), POINT_STRIDE)
    console.log(`crash points: ${points - failures.length} of ${points}, before and after each of ${calls} calls`)
    expect(failures).toEqual([])
    expect(points).toBe(Math.ceil((2 * calls) / POINT_STRIDE))
    expect(calls).toBeGreaterThan(100)
  })

  it('every pair of the core steps: the same rows, each once', async () => {
    const { calls, points, failures } = await everyPair(CORE, coreLogs(), PAIR_STRIDE)
    console.log(`pairs of crash points: ${points - failures.length} of ${points}, of ${calls} writes`)
    expect(failures).toEqual([])
    expect(points).toBeGreaterThan((calls * calls) / PAIR_STRIDE)
  })
})
