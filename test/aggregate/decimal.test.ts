import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sumDecimal } from '../../lib/aggregate/index.js'
import { ConfigError, DECIMAL_DIGITS_MAX } from '../../lib/base/index.js'
import { cuts, fold, join, matchesOracle, outcome, type Placed, placed, REFUSED, stored } from './folding.js'

type Value = string | bigint | number | null | undefined
type Row = Placed<Value>
const value = (row: Row) => row.value

const digits = (least: number, most: number) =>
  fc.array(fc.constantFrom(...'0123456789'), { minLength: least, maxLength: most }).map((list) => list.join(''))
const decimals: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    digits(1, 20),
    fc.constantFrom(0, 0, 1, 2, 3, 18).chain((n) => digits(n, n)),
  )
  .map(([sign, whole, rest]) => sign + whole + (rest === '' ? '' : `.${rest}`))
const values: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: decimals },
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
  fc.constantFrom(null, undefined, -0, '-0.00', '0.5', '-0.5'),
)

const SCALE = 38
const present = (rows: readonly Row[]): string[] =>
  rows.flatMap(({ value }) => (value === null || value === undefined ? [] : String(value)))
const fraction = (text: string): string => text.split('.')[1] ?? ''

/** All of them at one wide scale, digit by digit: the definition, and none of the code. */
function whole(texts: readonly string[]): bigint {
  return texts.reduce((total, text) => {
    const unsigned = text.replace(/^[+-]/, '').split('.')[0]! + fraction(text).padEnd(SCALE, '0')
    return text.startsWith('-') ? total - BigInt(unsigned) : total + BigInt(unsigned)
  }, 0n)
}

function written(units: bigint, scale: number): string {
  const text = String(units)
    .replace('-', '')
    .padStart(scale + 1, '0')
  const at = text.length - scale
  return `${units < 0n ? '-' : ''}${text.slice(0, at)}${scale > 0 ? `.${text.slice(at)}` : ''}`
}

function oracle(rows: readonly Row[]): string {
  const texts = present(rows)
  const scale = Math.max(0, ...texts.map((text) => fraction(text).length))
  return written(whole(texts) / 10n ** BigInt(SCALE - scale), scale)
}

describe('invariant 13: any cut and any merge tree give the oracle to the last digit', () => {
  it('sumDecimal', () => matchesOracle<Value, string>(sumDecimal(value), values, oracle, 400))

  it('sumDecimal, null over nothing', () => {
    const ofSql = (rows: readonly Row[]) => (present(rows).length === 0 ? null : oracle(rows))
    matchesOracle<Value, string | null>(sumDecimal(value, { empty: null }), values, ofSql)
  })

  it('sumDecimal at a scale: the exact sum, rounded once', () => {
    const rounded = (rows: readonly Row[]): string => {
      const sum = whole(present(rows))
      const unit = 10n ** BigInt(SCALE - 1)
      const magnitude = ((sum < 0n ? -sum : sum) * 2n + unit) / (unit * 2n)
      return written(sum < 0n ? -magnitude : magnitude, 1)
    }
    matchesOracle<Value, string>(sumDecimal(value, { scale: 1 }), values, rounded, 400)
  })

  it('rows added and taken back leave it as it was, its digits too', () => {
    const aggregate: any = sumDecimal(value)
    fc.assert(
      fc.property(placed(values, 6), placed(values, 6), cuts, (kept, passing, { merges }) => {
        const accs = [fold(aggregate, kept), fold(aggregate, passing), fold(aggregate, [...passing].reverse(), -1)]
        const joined = join(
          aggregate,
          accs.map((acc) => stored(aggregate, acc)),
          merges,
        )
        expect(aggregate.result(joined)).toBe(oracle(kept))
      }),
      { numRuns: 200 },
    )
  })
})

const result = (options: any, ...given: Value[]): unknown => {
  const aggregate: any = sumDecimal((row: Row) => row.value, options)
  const rows = given.map((x, i) => ({ value: x, turn: i, timestamp: i, split: 'a', position: String(i) }))
  return outcome(() => aggregate.result(stored(aggregate, fold(aggregate, rows))))
}
const nines = '9'.repeat(DECIMAL_DIGITS_MAX)

describe('values', () => {
  it.each<[string, unknown, string | null]>([
    ['money', result({}, '0.10', '0.20', '-0.05'), '0.25'],
    ['the widest fraction', result({}, '1', '2.5', '3.250'), '6.750'],
    ['bigints and integers', result({}, 10n, -3, '+0.5'), '7.5'],
    ['a sum that vanishes', result({}, '1.00', '-1.00'), '0.00'],
    ['minus zeros', result({}, '-0', -0, '-0.0'), '0.0'],
    ['leading zeros', result({}, '007.10'), '7.10'],
    ['less than one, from below', result({}, '-0.07'), '-0.07'],
    ['more digits than one summand may have', result({}, nines, '1', '0.01'), `1${'0'.repeat(38)}.01`],
    ['the smallest', result({}, `0.${'0'.repeat(36)}1`), `0.${'0'.repeat(36)}1`],
    ['nothing', result({}), '0'],
    ['nulls', result({}, null, undefined), '0'],
    ['nothing at a scale', result({ scale: 2 }), '0.00'],
    ['nothing, as in SQL', result({ empty: null, scale: 2 }, null), null],
    ['zero, as in SQL', result({ empty: null }, '0'), '0'],
    ['a wider scale', result({ scale: 4 }, '1.5'), '1.5000'],
    ['ties away from zero', result({ scale: 0 }, '2.5'), '3'],
    ['ties away from zero, from below', result({ scale: 0 }, '-2.5'), '-3'],
    ['ties to even, down', result({ scale: 0, rounding: 'half-even' }, '2.5'), '2'],
    ['ties to even, up', result({ scale: 0, rounding: 'half-even' }, '3.5'), '4'],
    ['ties to even, from below', result({ scale: 0, rounding: 'half-even' }, '-3.5'), '-4'],
    ['what is no tie', result({ scale: 1, rounding: 'half-even' }, '0.2500000001'), '0.3'],
    ['rounded to zero from below', result({ scale: 0 }, '-0.4'), '0'],
    ['rounded once, after the sum', result({ scale: 0 }, '0.4', '0.4', '0.4'), '1'],
  ])('%s', (_, got, wanted) => {
    expect(got).toBe(wanted)
  })

  it.each(['', ' 1', '1 ', '1\n', '.5', '5.', '1e3', '0x10', '1,000', '1_000', '--1', 'NaN', '١', '1.2.3'])(
    'invariant 14: refuses the text %j',
    (text) => expect(result({}, text)).toBe(REFUSED),
  )

  it.each<[string, Value, string]>([
    ['text of 39 digits', `${nines}9`, 'text with more digits'],
    ['text of 39 digits with a point', `-${nines}.9`, 'text that is not such a decimal'],
    ['long text', '1'.repeat(100_000), 'text that is not such a decimal'],
    ['a bigint of 39 digits', -(10n ** 38n), 'a bigint with more digits'],
    ['a number with a fraction', 12.34, 'a number that is not a safe integer'],
    ['a number past the safe integers', 2 ** 53, 'a number that is not a safe integer'],
    ['NaN', Number.NaN, 'NaN'],
  ])('invariant 14: refuses %s, naming the rule and no payload', (_, given, gave) => {
    const message = `sumDecimal() adds decimals of at most 38 digits: text such as "-12.34", a bigint or a safe integer; its function returned ${gave}. Return null to leave a row out.`
    expect(() => sumDecimal(() => given).read({})).toThrow(expect.objectContaining({ code: 'bad-value', message }))
  })
})

describe('options', () => {
  it('are part of the fingerprint', () => {
    expect(sumDecimal(value).options).toEqual({})
    expect(sumDecimal(value, { scale: 2, empty: null }).options).toEqual({ scale: 2, rounding: 'half-up', empty: null })
  })

  it.each<[any, string]>([
    [{ scale: 1.5 }, 'The scale of sumDecimal() must be a whole number from 0 to 38; it is 1.5.'],
    [{ scale: 39 }, 'The scale of sumDecimal() must be a whole number from 0 to 38; it is 39.'],
    [{ rounding: 'up' }, `The rounding of sumDecimal() must be 'half-up' or 'half-even'; it is "up".`],
    [{ empty: '' }, 'The option empty of sumDecimal() must be 0 or null; it is "".'],
  ])('refuses %j', (options, message) => {
    expect(() => sumDecimal(value, options)).toThrow(ConfigError)
    expect(() => sumDecimal(value, options)).toThrow(expect.objectContaining({ code: 'bad-aggregate', message }))
  })
})
