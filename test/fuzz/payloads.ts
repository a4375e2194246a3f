import fc from 'fast-check'
import { JSON_DEPTH_MAX } from '../../lib/base/index.js'
import { trickyText } from './fuzz.js'

const latin1 = (...bytes: number[]): Buffer => Buffer.from(bytes)
const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth)
const keyed = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

const json = fc.oneof(
  fc.jsonValue({ stringUnit: 'binary' }),
  trickyText(6),
  fc.dictionary(trickyText(3), trickyText(3), { maxKeys: 3 }),
)
/** Texts of JSON values. */
export const valid = json.map((value) => JSON.stringify(value))
export const objects = fc.dictionary(
  fc.string({ maxLength: 3 }),
  fc.oneof(fc.integer(), fc.string(), fc.constant({})),
  {
    maxKeys: 3,
  },
)
const spaced = fc
  .tuple(
    valid,
    fc.constantFrom('', ' ', '\n', '\t\r', '\ufeff', '\0', '\u00a0', '\u2028'),
    fc.constantFrom('', ' ', '\n\n', '\ufeff', '\0', ','),
  )
  .map(([text, before, after]) => before + text + after)
const oddities = fc.constantFrom(
  ...[
    '',
    ' ',
    '\0',
    '\ufeff',
    '\ufeff{}',
    'NaN',
    '-NaN',
    'Infinity',
    '-Infinity',
    '1e400',
    '-1e400',
    '-0',
    '1e-400',
    '01',
    '.5',
    '1.',
    '+1',
    '0x10',
  ],
  ...[
    '18446744073709551616',
    '18446744073709551615',
    '{"id":1524831183200260097}',
    '{"id":"1524831183200260097"}',
    '[9007199254740991,9007199254740992,9007199254740993]',
    '12345678901234567.89',
    '999999999999999.99',
    '3.14159265358979311600',
    '0.30000000000000004',
    '1234567890.12345678901',
    '{"a":[{"b":-1.7976931348623159e308}]}',
    '1.5E+0400',
    '9'.repeat(400),
    'undefined',
    "'a'",
    '{a:1}',
    '[1,]',
    '{"a":1,}',
    '"\t"',
    '"\\x"',
    '"\\ud800"',
    '"\\u0000"',
  ],
  ...[
    '{"a":1,"a":2}',
    '{"__proto__":1}',
    '{"a":{"__proto__":{"x":1}}}',
    '[{"\\u005f_proto__":1}]',
    '{"__proto__":1,"__proto__":2}',
    '"__proto__"',
    '{"a":"__proto__"}',
  ],
  ...[
    '{"constructor":{"prototype":{"x":1}}}',
    '{"toString":1,"valueOf":2,"hasOwnProperty":3}',
    '{"toJSON":1,"length":-1,"then":1}',
  ],
  ...[
    nested(JSON_DEPTH_MAX, '[', ']'),
    nested(JSON_DEPTH_MAX + 1, '[', ']'),
    keyed(JSON_DEPTH_MAX),
    keyed(JSON_DEPTH_MAX + 1),
    nested(4_000, '[', ']'),
    '['.repeat(3_000),
    ']'.repeat(3_000),
  ],
)
const brackets = fc.string({
  unit: fc.constantFrom(...'[]{}",:\\ \n1a', '{"a":', '},{', '],[', '\\"', '",', ',"', '{}', 'null'),
  maxLength: 12,
})
const broken = fc.constantFrom(
  ...[
    latin1(0xff),
    latin1(0x22, 0xc3),
    latin1(0xa9, 0x22),
    latin1(0x22, 0xc0, 0x80, 0x22),
    latin1(0x22, 0xed, 0xa0, 0x80, 0x22),
    latin1(0x22, 0xf0, 0x9f),
    latin1(0x98, 0x80, 0x22),
  ],
  ...[
    Buffer.from('\ufeff{}', 'utf16le'),
    Buffer.from('"\ufffd"'),
    Buffer.from('"ÿ"', 'latin1'),
    Buffer.from([0xef, 0xbb]),
  ],
)

/** What a producer may have put into one record: JSON of every kind, and what only looks like it. */
export const payloadBytes: fc.Arbitrary<Buffer> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .oneof(
        valid,
        objects.map((value) => JSON.stringify(value)),
        spaced,
        oddities,
        brackets,
      )
      .map((text) => Buffer.from(text)),
  },
  broken,
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
)

const HIDDEN = '__proto__'

/**
 * What a payload is, by the plainest means: `[value]`, or the reasons one of which must be given. Decodes each record
 * alone, and shares nothing with lib/.
 */
export function reading(bytes: Buffer): { readonly value: unknown } | { readonly reasons: readonly string[] } {
  if (bytes.length === 0) return { reasons: ['bad-json'] }
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { reasons: ['bad-utf8', 'deep-nesting'] }
  }
  try {
    value = JSON.parse(text)
  } catch {
    return { reasons: ['bad-json', 'deep-nesting'] }
  }
  const { depth, isForbidden } = walk(value)
  if (depth > JSON_DEPTH_MAX) return { reasons: ['deep-nesting'] }
  if (isForbidden) return { reasons: ['forbidden-key'] }
  return literalsOf(text).some(isChanged) ? { reasons: ['inexact-number'] } : { value }
}

/** The numbers of a JSON text: what is left of it without its strings. */
export const literalsOf = (text: string): string[] =>
  text.replace(/"(?:[^"\\]|\\.)*"/g, '""').match(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g) ?? []

/**
 * Whether a double says something else than the literal, by whole numbers alone: neither the double rounded to as many
 * digits nor its shortest form is it.
 */
export function isChanged(literal: string): boolean {
  const [mantissa, exponent = '0'] = literal.replace(/^-/, '').toLowerCase().split('e') as [string, string?]
  const [whole, fraction = ''] = mantissa.split('.') as [string, string?]
  const all = (whole + fraction).replace(/^0+/, '')
  const digits = all.replace(/0+$/, '')
  const double = Math.abs(Number(literal))
  if (digits === '') return false
  if (double === 0 || double === Infinity) return true
  if (digits.length <= 15) return false
  const isPrinted = digits.length <= 17 && (literal !== literal.replace(/e/i, '') || (double < 1e7 && fraction !== ''))
  if (isPrinted) return false
  // The literal is digits * 10^power.
  const power = Number(exponent) - fraction.length + (all.length - digits.length)
  const shortest = String(double)
    .replace(/e.*/, '')
    .replace('.', '')
    .replace(/^0+|0+$/g, '')
  return digits.length > 100 || (roundedAt(double, power) !== BigInt(digits) && shortest !== digits)
}

/** A double in units of a power of ten, rounded half up. */
function roundedAt(double: number, power: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, double)
  const bits = view.getBigUint64(0)
  const biased = Number(bits >> 52n)
  const binary = Math.max(biased, 1) - 1075
  let above = (bits & 0xfffffffffffffn) | (biased > 0 ? 1n << 52n : 0n)
  let below = 1n
  if (binary > 0) above <<= BigInt(binary)
  else below <<= BigInt(-binary)
  if (power > 0) below *= 10n ** BigInt(power)
  else above *= 10n ** BigInt(-power)
  return (2n * above + below) / (2n * below)
}

/** Level by level, as recursion would overflow. */
function walk(value: unknown): { depth: number; isForbidden: boolean } {
  let level = [value].filter(isContainer)
  let depth = 0
  let isForbidden = false
  for (; level.length > 0; depth++) {
    isForbidden ||= level.some((one) => Object.keys(one).includes(HIDDEN))
    level = level.flatMap((one) => Object.values(one)).filter(isContainer)
  }
  return { depth, isForbidden }
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null
