import { BIGINT_DIGITS_MAX, type RecordRejection } from '../base/index.js'
import type { MemberPolicy, NumberPolicy } from '../ports/index.js'
import { WORD } from './framing.js'
import { JsonWalk } from './json-walk.js'
import { textMayHoldLongNumber } from './number-scan.js'
import { reject } from './rejections.js'

/** A decimal of so many digits always comes back from a double. */
const DIGITS_SURE = 15
/** A double is printed with at most so many digits by programs that mean to read it back. */
const DIGITS_PRINTED = 17
/** As far as `toPrecision` goes. */
const DIGITS_MAX = 100
/**
 * Below this, and with an exponent, Java before 19 may round the last digit that it prints otherwise than everybody
 * else.
 */
const ROUNDED_BELOW = 1e7

/**
 * Whether a double holds what a JSON number says. It does where the double, printed exactly with as many digits as the
 * number has, gives that number, and where its shortest form does: so whatever prints doubles rightly passes, be it
 * with 15, 17 or 25 digits. Numbers of at most 17 digits with an exponent, or with a fraction and below ten million,
 * pass too: they come of a double. What becomes infinite, or zero without being it, is not held.
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

/** The digits of a number from the first to the last that is not zero. */
function significant(literal: string): string {
  return literal
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '')
}

const isWhole = (literal: string): boolean => !/[.eE]/.test(literal)
const isUnsafe = (literal: string): boolean => literal.length >= 16 && !Number.isSafeInteger(Number(literal))

/** How the numbers and the members of a source's JSON are taken, beyond what JSON.parse does. */
export class JsonRules {
  /** Whether a text that may hold a long number has to be looked at. */
  readonly watchesNumbers: boolean
  /** Whether every text has to be. */
  readonly watchesMembers: boolean
  private readonly numbers: NumberPolicy

  constructor(numbers: NumberPolicy, members: MemberPolicy) {
    this.numbers = numbers
    this.watchesNumbers = numbers !== 'double'
    this.watchesMembers = members === 'reject'
  }

  /** What becomes of a record with this text, which JSON.parse made `value` of. */
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

  /** What stands for a number's literal in the text: undefined where it stays. */
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

/** Stands before the digits of a bigint in a text. No record knows the word. */
const MARK = `${WORD}:`

/** Walks without recursion, as deep as a value may be. */
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
