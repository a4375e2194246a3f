import { ConfigError, checkOptions, DECIMAL_DIGITS_MAX, shown } from '../base/index.js'
import { type Aggregate, reader } from './aggregate.js'
import { checkEmpty, refused, typeName } from './values.js'

/** The exact value units / 10^scale. */
interface Decimal {
  readonly units: bigint
  readonly scale: number
}

/**
 * An exact sum. It stays small: its digits grow with the logarithm of the number of rows, and it has at most 39 counts.
 */
interface DecimalSum {
  units: bigint
  scale: number
  /**
   * The number of summands with each number of fraction digits, up to `scale`. From it follows which scale is the
   * widest after summands were taken back, and whether there are any summands.
   */
  readonly counts: number[]
}

type Rounding = 'half-up' | 'half-even'

/** How `sumDecimal` writes its result. */
export interface DecimalOptions<E extends 0 | null = 0> {
  /**
   * Fraction digits of the result, 0 to 38. Further digits of the exact sum are rounded, once.
   * @default as many as the widest summand has
   */
  readonly scale?: number
  /**
   * How ties are rounded: away from zero, as SQL's NUMERIC does, or to the even digit.
   * @default 'half-up'
   */
  readonly rounding?: Rounding
  /**
   * The sum over no values: zero, or null as in SQL.
   * @default 0
   */
  readonly empty?: E
}

const POWERS = Array.from({ length: DECIMAL_DIGITS_MAX + 1 }, (_, digits) => 10n ** BigInt(digits))
const BEYOND = POWERS[DECIMAL_DIGITS_MAX]!
const DECIMAL = /^[+-]?\d+(?:\.\d+)?$/

/**
 * The exact sum of decimals, such as money: text like '-12.34', bigints and safe integers, with at most 38 digits each.
 * The result is text with as many fraction digits as the widest summand, or with `scale` fraction digits. It may have
 * more than 38 digits, and is never '-0'. Over nothing it is '0', or null with `empty: null`. Null and undefined are
 * left out; anything else, including text with spaces or an exponent and numbers with a fraction, rejects the record
 * (`bad-value`). Can take rows back.
 * @throws {ConfigError} `bad-aggregate`, if an option is not valid
 * @example sumDecimal(payment => payment.amount)
 * @example sumDecimal(payment => payment.fee, { scale: 2, rounding: 'half-even' })
 */
export function sumDecimal<T, E extends 0 | null = 0, M = unknown>(
  of: (row: T, meta: M) => string | bigint | number | null | undefined,
  options: DecimalOptions<E> = {},
): Aggregate<T, null extends E ? string | null : string, any, any, M> {
  checkOptions('sumDecimal()', options, { scale: true, rounding: true, empty: true })
  const read = reader('sumDecimal', of)
  const { scale, rounding = 'half-up', empty = 0 }: DecimalOptions<0 | null> = options
  checkRounding(scale, rounding)
  checkEmpty('sumDecimal', empty)
  return Object.freeze({
    kind: 'sum-decimal',
    options: {
      ...(scale !== undefined && { scale, rounding }),
      ...(empty === null && { empty }),
    },
    invertible: true,
    ordered: false,
    fragile: false,
    read: (row: T, meta?: M) => readDecimal(read(row, meta!)),
    create: (): DecimalSum => ({ units: 0n, scale: 0, counts: [0] }),
    add: (acc: DecimalSum, { units, scale: digits }: Decimal, weight: 1 | -1) => {
      addUnits(acc, weight === 1 ? units : -units, digits)
      acc.counts[digits]! += weight
      return acc
    },
    merge(a: DecimalSum, b: DecimalSum) {
      const sum = { ...a, counts: [...a.counts] }
      addUnits(sum, b.units, b.scale)
      for (let digits = 0; digits <= b.scale; digits++) sum.counts[digits]! += b.counts[digits]!
      return sum
    },
    result(acc: DecimalSum) {
      if (empty === null && acc.counts.reduce((rows, count) => rows + count) === 0) return null as unknown as string
      const sum = narrowed(acc)
      return textOf(scale === undefined ? sum : rescaled(sum, scale, rounding))
    },
    // JSON has no bigint.
    encode: (acc: DecimalSum) => [acc.units.toString(), acc.scale, acc.counts],
    decode: (json: readonly [string, number, number[]]): DecimalSum => ({
      units: BigInt(json[0]),
      scale: json[1],
      counts: [...json[2]],
    }),
  })
}

function checkRounding(scale: number | undefined, rounding: Rounding): void {
  if (scale !== undefined && !(Number.isSafeInteger(scale) && scale >= 0 && scale <= DECIMAL_DIGITS_MAX)) {
    throw new ConfigError(
      'bad-aggregate',
      `The scale of sumDecimal() must be a whole number from 0 to ${DECIMAL_DIGITS_MAX}; it is ${shown(scale)}.`,
    )
  }
  if (rounding !== 'half-up' && rounding !== 'half-even') {
    throw new ConfigError(
      'bad-aggregate',
      `The rounding of sumDecimal() must be 'half-up' or 'half-even'; it is ${shown(rounding)}.`,
    )
  }
}

function readDecimal(value: unknown): Decimal | undefined {
  switch (typeof value) {
    case 'string':
      // The length is checked first, so the pattern never runs on text that is longer than any decimal with its sign
      // and point.
      if (value.length <= DECIMAL_DIGITS_MAX + 2 && DECIMAL.test(value)) return ofText(value)
      throw notDecimal('text that is not such a decimal')
    case 'bigint':
      if (value < BEYOND && value > -BEYOND) return { units: value, scale: 0 }
      throw notDecimal('a bigint with more digits')
    case 'number':
      if (Number.isSafeInteger(value)) return { units: BigInt(value), scale: 0 }
      throw notDecimal(Number.isFinite(value) ? 'a number that is not a safe integer' : typeName(value))
  }
  if (value === null || value === undefined) return undefined
  throw notDecimal(typeName(value))
}

function ofText(text: string): Decimal {
  const point = text.indexOf('.')
  const whole = point < 0 ? text : text.slice(0, point) + text.slice(point + 1)
  const digits = /^[+-]/.test(whole) ? whole.length - 1 : whole.length
  if (digits > DECIMAL_DIGITS_MAX) throw notDecimal('text with more digits')
  return { units: BigInt(whole), scale: point < 0 ? 0 : text.length - point - 1 }
}

const notDecimal = (gave: string) =>
  refused(
    'sumDecimal',
    `adds decimals of at most ${DECIMAL_DIGITS_MAX} digits: text such as "-12.34", a bigint or a safe integer`,
    gave,
  )

/** Adds at the wider scale of both. The caller updates the counts. */
function addUnits(sum: DecimalSum, units: bigint, scale: number): void {
  if (scale > sum.scale) {
    sum.units *= POWERS[scale - sum.scale]!
    sum.scale = scale
    while (sum.counts.length <= scale) sum.counts.push(0)
  }
  sum.units += scale === sum.scale ? units : units * POWERS[sum.scale - scale]!
}

/** The same value with as many fraction digits as the widest remaining summand has, or more if the value needs them. */
function narrowed({ units, scale, counts }: DecimalSum): Decimal {
  const sum = { units, scale }
  while (sum.scale > 0 && counts[sum.scale] === 0 && sum.units % 10n === 0n) {
    sum.units /= 10n
    sum.scale--
  }
  return sum
}

function rescaled({ units, scale }: Decimal, to: number, rounding: Rounding): Decimal {
  if (to >= scale) return { units: units * POWERS[to - scale]!, scale: to }
  const divisor = POWERS[scale - to]!
  const cut = units / divisor
  const rest = units - cut * divisor
  const twice = 2n * (rest < 0n ? -rest : rest)
  const isAway = twice > divisor || (twice === divisor && (rounding === 'half-up' || cut % 2n !== 0n))
  return { units: isAway ? cut + (units < 0n ? -1n : 1n) : cut, scale: to }
}

function textOf({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0')
  const sign = units < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
