import { describe, expect, expectTypeOf, it } from 'vitest'
import type { WatermarkStrategy } from '../../lib/ports/index.js'
import { customWatermark, monotonous, outOfOrder } from '../../lib/time/index.js'

describe('watermark strategies', () => {
  it('are frozen data', () => {
    const of = (row: { flushed: number }) => row.flushed
    expect(outOfOrder('30s')).toEqual({ kind: 'out-of-order', boundMs: 30_000 })
    expect(outOfOrder(0)).toEqual(monotonous())
    expect(customWatermark(of, '1m')).toEqual({ kind: 'custom', boundMs: 60_000, of })
    for (const made of [outOfOrder('30s'), monotonous(), customWatermark(of, '1m')]) {
      expect(Object.isFrozen(made)).toBe(true)
    }
  })

  it('fit the rows of their source by type', () => {
    expectTypeOf(outOfOrder('1s')).toExtend<WatermarkStrategy<{ anything: string }>>()
    expectTypeOf(customWatermark((row: { at: number }) => row.at, 0)).toEqualTypeOf<WatermarkStrategy<{ at: number }>>()
    // @ts-expect-error a promise is no time
    const make = () => customWatermark(async (row: { at: number }) => row.at, 0)
    expect(make).toThrow('customWatermark takes a synchronous function')
  })

  it.each<[() => unknown, string, string]>([
    [
      () => outOfOrder('soon' as never),
      'bad-duration',
      `The bound of outOfOrder must be a duration such as '30s', '5m', '1h30m', or whole milliseconds; it is "soon".`,
    ],
    [() => outOfOrder(-1), 'bad-duration', 'The bound of outOfOrder must be between 0s and 400d; it is -1ms.'],
    [
      () => customWatermark(undefined as never, '1m'),
      'bad-watermark',
      'customWatermark takes a function of a record and its timestamp; it got undefined.',
    ],
    [
      () => customWatermark(() => 0, '500d'),
      'bad-duration',
      'The bound of customWatermark must be between 0s and 400d; it is 500d.',
    ],
  ])('are refused with words (%#)', (make, code, message) => {
    expect(make).toThrow(expect.objectContaining({ code, message }))
  })
})
