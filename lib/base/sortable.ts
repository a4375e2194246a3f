import { assert } from './errors.js'

/**
 * All times are within these bounds (years -124,000 to 128,000). Beyond them, a time means 'never' or 'forever'. All of
 * them are safe integers.
 */
export const TIME_MIN = -4_000_000_000_000_000
export const TIME_MAX = 4_000_000_000_000_000
/**
 * Event times of records are within this bound in both directions. All windows over them, which have at most 400 days
 * and as much lateness, close before `TIME_MAX`.
 */
export const EVENT_TIME_MAX = 3_900_000_000_000_000
const OFFSET = 4_500_000_000_000_000
const DIGITS = 11

/** An integer as 11 characters that sort in the order of the integers. Negative ones are times before 1970. */
export function sortable(value: number): string {
  assert(Number.isSafeInteger(value) && value >= -OFFSET && value <= OFFSET, `${value} can be encoded as a sort key`)
  return (value + OFFSET).toString(36).padStart(DIGITS, '0')
}

export function unsortable(text: string): number {
  return Number.parseInt(text, 36) - OFFSET
}

export const SORTABLE_LENGTH = DIGITS

/**
 * Compares two texts in the order of their UTF-8 bytes, in which stores sort keys. It differs from `<` only between
 * surrogates and the end of the BMP.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) {
      if (x >= 0xd800 && y >= 0xd800) return rank(x) - rank(y)
      return x - y
    }
  }
  return a.length - b.length
}

/** In UTF-8, code points over 0xffff (surrogate pairs) sort after the whole BMP. */
const rank = (unit: number): number => (unit <= 0xdfff ? unit + 0x2000 : unit - 0x800)
