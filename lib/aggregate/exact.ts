/**
 * Exact sums of doubles (invariant 13). A sum is a safe integer while possible, then Shewchuk's non-overlapping
 * partials. A BigInt holds the rare values whose partials could overflow or lose bits. The value of a sum does not
 * depend on the order of additions, and it is rounded once. (J. R. Shewchuk, Adaptive Precision Floating-Point
 * Arithmetic, 1997.)
 */
export interface Partials {
  /** Non-overlapping, by ascending magnitude, never zero. */
  parts: number[]
  /** The part of the sum that `parts` cannot hold, times 2^SCALE. */
  big: bigint
}

/** A plain number while the sum is a safe integer. */
export type Exact = number | Partials

/** Twice 1074: the square of the smallest double is still an integer at this scale. */
const SCALE = 2148n
const LARGE = 2 ** 900
const SMALL = 2 ** -900

/** `sum + x`, for a finite x. May change `sum` if it is not a plain number. */
export function addExact(sum: Exact, x: number): Exact {
  if (typeof sum === 'number') {
    const next = sum + x
    if (Number.isSafeInteger(next) && Number.isInteger(x)) return next
    return addPartial(partials(sum), x)
  }
  return addPartial(sum, x)
}

const partials = (sum: number): Partials => ({ parts: sum === 0 ? [] : [sum], big: 0n })

/** `sum - x`, which reverses an addition of x to the last bit. */
export function subtractExact(sum: Exact, x: number): Exact {
  return addExact(sum, -x)
}

/** `sum + x * x`, exactly. */
export function addSquare(sum: Exact, x: number, sign: 1 | -1): Exact {
  return addProduct(sum, x, x, sign)
}

/** `sum + x * y`, exactly. */
export function addProduct(sum: Exact, x: number, y: number, sign: 1 | -1): Exact {
  const product = x * y
  if (Number.isSafeInteger(product) && Number.isInteger(x) && Number.isInteger(y)) return addExact(sum, sign * product)
  if (x === 0 || y === 0) return sum
  if (!isMiddling(x) || !isMiddling(y)) {
    const changed = typeof sum === 'number' ? partials(sum) : sum
    changed.big += BigInt(sign) * scaled(x, SCALE / 2n) * scaled(y, SCALE / 2n)
    return changed
  }
  // Dekker's product: the rounded product and its rounding error are both exact.
  const highX = highHalf(x)
  const highY = highHalf(y)
  const lowX = x - highX
  const lowY = y - highY
  const error = lowX * lowY - (product - highX * highY - lowX * highY - highX * lowY)
  return addExact(addExact(sum, sign * product), sign * error)
}

/** Neither so large nor so small that a product, or its rounding error, is no longer exact. */
function isMiddling(x: number): boolean {
  const magnitude = Math.abs(x)
  return magnitude <= 2 ** 400 && magnitude >= 2 ** -400
}

function highHalf(x: number): number {
  const c = 134217729 * x
  return c - (c - x)
}

function addPartial(sum: Partials, x: number): Partials {
  const magnitude = Math.abs(x)
  if (magnitude > LARGE || (magnitude < SMALL && x !== 0)) {
    sum.big += scaled(x, SCALE)
    return sum
  }
  const { parts } = sum
  let kept = 0
  let carry = x
  for (let i = 0; i < parts.length; i++) {
    let y = parts[i]!
    if (Math.abs(carry) < Math.abs(y)) {
      const swap = carry
      carry = y
      y = swap
    }
    const high = carry + y
    const low = y - (high - carry)
    if (low !== 0) parts[kept++] = low
    carry = high
  }
  parts.length = kept
  if (carry !== 0) parts.push(carry)
  return sum
}

/** Returns a new sum of both. Neither is changed. */
export function mergeExact(a: Exact, b: Exact): Exact {
  if (typeof b === 'number') return addExact(cloneExact(a), b)
  const sum = cloneExact(b) as Partials
  if (typeof a === 'number') return addExact(sum, a)
  for (const part of a.parts) addPartial(sum, part)
  sum.big += a.big
  return sum
}

export function cloneExact(sum: Exact): Exact {
  return typeof sum === 'number' ? sum : { parts: [...sum.parts], big: sum.big }
}

/** The exact value times 2^SCALE. */
function wholeValue(sum: Exact): bigint {
  if (typeof sum === 'number') return BigInt(sum) << SCALE
  let whole = sum.big
  for (const part of sum.parts) whole += scaled(part, SCALE)
  return whole
}

/**
 * The double nearest to the exact sum, with ties to even; an infinity if it is beyond the largest double. Zero is never
 * negative.
 */
export function roundExact(sum: Exact): number {
  if (typeof sum === 'number') return sum + 0
  if (sum.big === 0n && sum.parts.length < 2) return sum.parts[0] ?? 0
  return ratio(wholeValue(sum), 1n << SCALE)
}

/** The double nearest to sum / count. Null if the count is 0. */
export function meanExact(sum: Exact, count: number): number | null {
  if (count <= 0) return null
  if (typeof sum === 'number') return sum / count + 0
  return ratio(wholeValue(sum), BigInt(count) << SCALE)
}

/**
 * The variance of `count` values with this sum and this sum of squares, rounded once. `free` is count, or count - 1 for
 * a sample.
 */
export function varianceExact(sum: Exact, squares: Exact, count: number, free: number): number | null {
  if (free <= 0) return null
  const whole = wholeValue(sum)
  const above = ((BigInt(count) * wholeValue(squares)) << SCALE) - whole * whole
  return ratio(above, (BigInt(count) * BigInt(free)) << (2n * SCALE))
}

/** What two columns of numbers have in common: exact sums of them, of their squares and of their products. */
export interface Moments {
  x: Exact
  y: Exact
  xx: Exact
  yy: Exact
  xy: Exact
  count: number
}

/** `count` squared times the variances and the covariance, times 4^SCALE: exact. */
function spreads({ x, y, xx, yy, xy, count }: Moments) {
  const n = BigInt(count)
  const [sumX, sumY] = [wholeValue(x), wholeValue(y)]
  const spread = (products: Exact, a: bigint, b: bigint): bigint => ((n * wholeValue(products)) << SCALE) - a * b
  return { sumX, sumY, xx: spread(xx, sumX, sumX), yy: spread(yy, sumY, sumY), xy: spread(xy, sumX, sumY) }
}

/** The covariance, rounded once. `free` is count, or count - 1 for a sample. Null without any. */
export function covarianceExact(moments: Moments, free: number): number | null {
  if (free <= 0) return null
  return ratio(spreads(moments).xy, (BigInt(moments.count) * BigInt(free)) << (2n * SCALE))
}

/**
 * Pearson's correlation: the root of its square, which is rounded once. Null where one of the columns does not vary.
 */
export function correlationExact(moments: Moments): number | null {
  const { xx, yy, xy } = spreads(moments)
  if (xx === 0n || yy === 0n) return null
  const root = Math.sqrt(ratio(xy * xy, xx * yy))
  return xy < 0n ? 0 - root : root
}

/** The line y = intercept + slope * x of least squares, each figure rounded once. Null where x does not vary. */
export function regressionExact(moments: Moments): { slope: number; intercept: number; r2: number } | null {
  const { sumX, sumY, xx, yy, xy } = spreads(moments)
  if (xx === 0n) return null
  return {
    slope: ratio(xy, xx),
    intercept: ratio(sumY * xx - sumX * xy, (BigInt(moments.count) * xx) << SCALE),
    r2: yy === 0n ? 1 : ratio(xy * xy, xx * yy),
  }
}

const view = new DataView(new ArrayBuffer(8))

/** x times 2^scale; exact for every finite double when scale >= 1074. */
function scaled(x: number, scale: bigint): bigint {
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const mantissa = exponent === 0n ? fraction : fraction | 0x10000000000000n
  const shift = scale - 1074n + (exponent === 0n ? 0n : exponent - 1n)
  return bits >> 63n ? -(mantissa << shift) : mantissa << shift
}

function bitLength(x: bigint): number {
  const hex = x.toString(16)
  return hex.length * 4 - (Math.clz32(Number.parseInt(hex[0]!, 16)) - 28)
}

/** The double nearest to above / below (below > 0), with ties to even. Handles subnormals and overflow. */
function ratio(above: bigint, below: bigint): number {
  if (above === 0n) return 0
  const negative = above < 0n
  const top = negative ? -above : above
  // A quotient of at least 64 bits, and whether there is a remainder below them.
  const shift = 64 - (bitLength(top) - bitLength(below))
  const dividend = shift > 0 ? top << BigInt(shift) : top
  const divisor = shift < 0 ? below << BigInt(-shift) : below
  const quotient = dividend / divisor
  const sticky = quotient * divisor !== dividend
  const bits = bitLength(quotient)
  const exponent = bits - 1 - shift
  const precision = Math.min(53, exponent + 1075)
  let rounded = 0n
  const drop = BigInt(bits - Math.max(precision, 0))
  if (precision >= 0) {
    rounded = quotient >> drop
    const rest = quotient - (rounded << drop)
    const half = 1n << (drop - 1n)
    if (rest > half || (rest === half && (sticky || (rounded & 1n) === 1n))) rounded += 1n
  }
  const power = Number(drop) - shift
  const value =
    power < -1000
      ? Number(rounded) * 2 ** -500 * 2 ** (power + 500)
      : power > 900
        ? Number(rounded) * 2 ** 900 * 2 ** (power - 900)
        : Number(rounded) * 2 ** power
  // Not -value, because a negative value that rounds to zero must be 0, not -0.
  return negative ? 0 - value : value
}

/**
 * JSON of a sum, which is read back to the last bit. The third element is always 0: it is part of the stored format,
 * and formerly counted values that were not numbers.
 */
export function encodeExact(sum: Exact): unknown {
  if (typeof sum === 'number') return sum
  return [sum.parts, sum.big === 0n ? 0 : sum.big.toString(36), 0]
}

export function decodeExact(json: unknown): Exact {
  if (typeof json === 'number') return json
  const [parts, big] = json as [number[], string | 0, 0]
  return { parts: [...parts], big: big === 0 ? 0n : parseBase36(big) }
}

function parseBase36(text: string): bigint {
  const negative = text.startsWith('-')
  let value = 0n
  for (const digit of negative ? text.slice(1) : text) value = value * 36n + BigInt(Number.parseInt(digit, 36))
  return negative ? -value : value
}
