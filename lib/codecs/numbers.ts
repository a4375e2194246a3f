import { BIGINT_DIGITS_MAX, type RecordRejection } from '../base/index.js'
import type { MemberPolicy, NumberPolicy } from '../ports/index.js'
import { WORD } from './framing.js'
import { JsonWalk } from './json-walk.js'
import { textMayHoldLongNumber } from './number-scan.js'
import { reject } from './rejections.js'

/** A decimal number of this many digits always survives the conversion to a double and back. */
const DIGITS_SURE = 15
/** Programs print a double with at most this many digits so that it can be read back exactly. */
const DIGITS_PRINTED = 17
/** The limit of `toPrecision`. */
const DIGITS_MAX = 100
/**
 * For numbers below this, and for numbers with an exponent, Java before version 19 may print a different last digit
 * than other languages.
 */
const ROUNDED_BELOW = 1e7

/**
 * Whether a double holds the value of a JSON number. It does if the double, printed exactly with as many digits as the
 * number has, gives that number, or if its shortest form does. So every number passes that a correct program printed
 * from a double, whether with 15, 17 or 25 digits. Numbers of at most 17 digits also pass if they have an exponent, or
 * a fraction and a value below ten million: they come from a double. A number is not held if it becomes infinite, or
 * zero without being zero.
 */
export function isHeld(literal: string): boolean {
  const value = Number(literal)
  if (!Number.isFinite(value)) return false
  const digits = significant(literal)
  if (value === 0) return digits === ''
  if (digits.length <= DIGITS_SURE) return true
  if (digits.length <= DIGITS_PRINTED) {
    if (/[eE]/.test(literal)) return true
    if (Math.abs(value) < ROUNDED_BELOW && literal.includes('.')) return true
  }
  if (digits.length > DIGITS_MAX) return false
  return significant(value.toPrecision(digits.length)) === digits || significant(String(value)) === digits
}

/** The significant digits of a number: from the first to the last digit that is not zero. */
function significant(literal: string): string {
  return literal
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '')
}

const isWhole = (literal: string): boolean => !/[.eE]/.test(literal)
const isUnsafe = (literal: string): boolean => literal.length >= 16 && !Number.isSafeInteger(Number(literal))

/** The rules for numbers and members of a source's JSON that go beyond JSON.parse. */
export class JsonRules {
  /** Whether a text that may hold a long number has to be checked. */
  readonly watchesNumbers: boolean
  /** Whether every text has to be checked. */
  readonly watchesMembers: boolean
  private readonly numbers: NumberPolicy

  constructor(numbers: NumberPolicy, members: MemberPolicy) {
    this.numbers = numbers
    this.watchesNumbers = numbers !== 'double'
    this.watchesMembers = members === 'reject'
  }

  /** Returns the final value or the rejection for a record with this text, which JSON.parse parsed to `value`. */
  settle(text: string, value: unknown): unknown {
    const mayHoldNumber = this.watchesNumbers && textMayHoldLongNumber(text)
    if (!mayHoldNumber && !this.watchesMembers) return value
    const walk = new JsonWalk(text)
    const swaps: Swap[] = []
    let rejection: RecordRejection | undefined
    walk.walk({
      number: (from, to) => {
        if (!mayHoldNumber) return false
        const swap = this.swapOf(text.slice(from, to))
        if (swap === undefined) return false
        if (swap === 'reject') rejection = reject.inexactNumber(walk.path, this.numbers)
        else swaps.push({ from, to, by: swap })
        return rejection !== undefined
      },
      ...(this.watchesMembers && {
        doubled: () => {
          rejection = reject.duplicateMember(walk.path)
          return true
        },
      }),
    })
    return rejection ?? (swaps.length === 0 ? value : this.parseSwapped(text, swaps))
  }

  /** The replacement for a number's literal in the text; undefined if the literal stays. */
  private swapOf(literal: string): string | 'reject' | undefined {
    if (literal.length <= DIGITS_SURE && isWhole(literal)) return undefined
    const isLarge = isWhole(literal) && isUnsafe(literal)
    if (this.numbers === 'reject') return isHeld(literal) ? undefined : 'reject'
    if (!isLarge && isHeld(literal)) return undefined
    if (this.numbers === 'string') return `"${literal}"`
    return isLarge && literal.length <= BIGINT_DIGITS_MAX ? `"${MARK}${literal}"` : 'reject'
  }

  private parseSwapped(text: string, swaps: readonly Swap[]): unknown {
    let swapped = ''
    let at = 0
    for (const { from, to, by } of swaps) {
      swapped += text.slice(at, from) + by
      at = to
    }
    const value: unknown = JSON.parse(swapped + text.slice(at))
    return this.numbers === 'bigint' ? withBigints(value) : value
  }
}

interface Swap {
  readonly from: number
  readonly to: number
  readonly by: string
}

/** The prefix of a bigint's digits in a text. No record can contain the random word. */
const MARK = `${WORD}:`

/** The walk uses no recursion, so any depth is safe. */
function withBigints(value: unknown): unknown {
  const root = { value }
  const open: object[] = [root]
  while (open.length > 0) {
    const next = open.pop() as Record<string, unknown>
    for (const key of Object.keys(next)) {
      const part = next[key]
      if (typeof part === 'object' && part !== null) open.push(part)
      else if (typeof part === 'string' && part.startsWith(MARK)) next[key] = BigInt(part.slice(MARK.length))
    }
  }
  return root.value
}
