import fc from 'fast-check'

/** An exact rational, `above / below`, `below > 0`. Slow and plain: the oracle of exact sums. */
export interface Rational {
  readonly above: bigint
  readonly below: bigint
}

const bits = new BigUint64Array(1)
const double = new Float64Array(bits.buffer)
const LARGEST = 0x7fefffffffffffffn

function fromBits(pattern: bigint): number {
  bits[0] = pattern
  return double[0]!
}

/** A finite double as a rational. Halving until it is an integer is exact; a subnormal is scaled up first. */
export function rational(x: number): Rational {
  let value = x
  let below = 1n
  if (Math.abs(value) < 2 ** -500) {
    value *= 2 ** 600
    below <<= 600n
  }
  while (!Number.isInteger(value)) {
    value *= 2
    below <<= 1n
  }
  return { above: BigInt(value), below }
}

export const add = (a: Rational, b: Rational): Rational => ({
  above: a.above * b.below + b.above * a.below,
  below: a.below * b.below,
})
export const times = (a: Rational, b: Rational): Rational => ({ above: a.above * b.above, below: a.below * b.below })
export const over = (a: Rational, n: number): Rational => ({ above: a.above, below: a.below * BigInt(n) })
export const total = (list: readonly Rational[]): Rational => list.reduce(add, { above: 0n, below: 1n })

/**
 * The double nearest to a rational, ties to even, by bisecting all doubles: they are ordered as their bits. Zero has no
 * sign.
 */
export function nearest({ above, below }: Rational): number {
  if (above === 0n) return 0
  if (above < 0n) return 0 - nearest({ above: -above, below })
  let low = 0n
  let high = LARGEST
  while (low < high) {
    const middle = (low + high + 1n) / 2n
    const candidate = rational(fromBits(middle))
    if (candidate.above * below <= above * candidate.below) low = middle
    else high = middle - 1n
  }
  const floor = rational(fromBits(low))
  // Past the largest double stands 2^1024, which rounds to infinity.
  const ceiling = low === LARGEST ? { above: 1n << 1024n, below: 1n } : rational(fromBits(low + 1n))
  const twice = add(floor, ceiling)
  const distance = 2n * above * twice.below - twice.above * below
  const up = distance > 0n || (distance === 0n && (low & 1n) === 1n)
  return up ? (low === LARGEST ? Number.POSITIVE_INFINITY : fromBits(low + 1n)) : fromBits(low)
}

/** Doubles of every kind, and those where exactness is won or lost. */
export const finite: fc.Arbitrary<number> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.integer({ min: -1000, max: 1000 }),
  fc.maxSafeInteger(),
  fc.integer({ min: -100_000, max: 100_000 }).map((n) => n / 100),
  fc.constantFrom(0, -0, 5e-324, -5e-324, 2.2e-308, 1e308, -1e308, Number.MAX_VALUE, -Number.MAX_VALUE),
  fc.constantFrom(2 ** 53, -(2 ** 53), 2 ** 53 - 1, 2 ** 53 + 2, 1e16, 0.1, 0.2, -0.3, 1 / 3, 1e-300, 1e-200),
  fc.constantFrom(
    2 ** 900,
    -(2 ** 900),
    2 ** -900,
    2 ** 901,
    2 ** 400,
    2 ** 401,
    2 ** -400,
    2 ** -401,
    94906267,
    94906265.5,
  ),
)
/** What a field of a row may be. */
export const maybeNumber = fc.oneof(
  { weight: 5, arbitrary: finite },
  { weight: 1, arbitrary: fc.constantFrom(null, undefined) },
)
