import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AssertionFault,
  compareBytes,
  SORTABLE_LENGTH,
  sortable,
  TIME_MAX,
  TIME_MIN,
  unsortable,
} from '../../lib/base/index.js'

const times = fc.oneof(
  fc.integer({ min: TIME_MIN, max: TIME_MAX }),
  fc.integer({ min: -100, max: 100 }),
  fc.constantFrom(TIME_MIN, TIME_MAX, -0),
)

describe('sortable', () => {
  it('sorts as the numbers do, negative ones included, and comes back', () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        expect(sortable(a)).toHaveLength(SORTABLE_LENGTH)
        expect(unsortable(sortable(a))).toBe(a + 0)
        expect(Math.sign(compareBytes(sortable(a), sortable(b)))).toBe(Math.sign(a - b) + 0)
      }),
      { numRuns: 500 },
    )
  })

  it('has the same text for ever', () => {
    const texts = [TIME_MIN, -1, 0, 1, 978_307_380_000, TIME_MAX].map(sortable)
    expect(texts).toEqual(['04x8gtudrsw', '18b47glfy7z', '18b47glfy80', '18b47glfy81', '18bgow0ebs0', '2bozy3ci4n4'])
  })

  it.each([Number.NaN, 0.5, Number.POSITIVE_INFINITY, 5e15, -5e15])('refuses %d', (value) => {
    expect(() => sortable(value)).toThrow(AssertionFault)
  })
})

describe('compareBytes', () => {
  const character = fc.constantFrom(
    '\0',
    'a',
    '\x7f',
    '\x80',
    'é',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '😀',
    '\u{10ffff}',
  )
  const text = fc.oneof(fc.string({ unit: character, maxLength: 4 }), fc.string({ unit: 'binary', maxLength: 4 }))

  it('is the order of UTF-8 bytes', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const wanted = Buffer.compare(Buffer.from(a), Buffer.from(b))
        expect(Math.sign(compareBytes(a, b))).toBe(wanted)
      }),
      { numRuns: 1000 },
    )
  })

  it('differs from < only where surrogates meet the top of the BMP', () => {
    expect('\uffff' < '😀').toBe(false)
    expect(compareBytes('\uffff', '😀')).toBeLessThan(0)
  })
})
