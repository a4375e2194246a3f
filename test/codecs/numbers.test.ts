import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordRejection } from '../../lib/base/index.js'
import { JsonDecoder } from '../../lib/codecs/json.js'
import { mayHoldLongNumber, textMayHoldLongNumber } from '../../lib/codecs/number-scan.js'
import { isHeld } from '../../lib/codecs/numbers.js'
import type { MemberPolicy, NumberPolicy } from '../../lib/ports/index.js'
import { isChanged } from '../fuzz/payloads.js'
import { payloadsOf } from './payloads.js'

function decode(records: readonly string[], numbers?: NumberPolicy, members?: MemberPolicy): unknown[] {
  const out: unknown[] = []
  new JsonDecoder(2 ** 20, numbers, members).decode(payloadsOf(records), 0, records.length, out)
  return out.map((value) => (value instanceof RecordRejection ? `<${value.code}>` : value))
}

const messageOf = (record: string, numbers?: NumberPolicy, members?: MemberPolicy): string => {
  const out: unknown[] = []
  new JsonDecoder(2 ** 20, numbers, members).decode(payloadsOf([record]), 0, 1, out)
  return (out[0] as RecordRejection).message
}

const HELD = [
  ...['0', '-0', '0.0', '1', '-1', '0.1', '1e5', '1E-7', '9007199254740991', '-9007199254740991', '9007199254740992'],
  // Exact, or the shortest form of a double.
  ...[
    '18446744073709551616',
    '1180591620717411303424',
    '1180591620717411300000',
    '1e22',
    '1e23',
    '100000000000000000000',
  ],
  // Doubles as other programs print them: 16, 17, 19 and all digits.
  ...[
    '0.30000000000000004',
    '0.10000000000000001',
    '3.14159265358979311600',
    '3.141592653589793115997963468544185161590576171875',
  ],
  // Java before 19.
  ...['5.684341886080802E-14', '2.0E-3', '1.7976931348623157E308', '4.9E-324', '5e-324'],
  ...['123456789012345.67', '0.000000000000000000001', '1.0000000000000000000000000', '00'.slice(1)],
]
const CHANGED = [
  ...['1524831183200260097', '1524831183200260098', '1524831183200260099', '9007199254740993', '-9007199254740993'],
  ...['9223372036854775807', '18446744073709551615', '12345678901234567890000', '123456789012345678901234567890'],
  ...[
    '12345678901234567.89',
    '999999999999999.99',
    '9007199254740993.5',
    '9007199254740993.0',
    '1234567890.12345678901',
  ],
  ...['0.123456789012345678', '1e400', '-1e400', '1e309', '1.7976931348623159e308', '1e-400', '9'.repeat(400)],
  ...['152483118320026.0097e4', '1.52483118320026009700e+18'],
]

describe('a double holds a number', () => {
  it.each(HELD)('%s', (literal) => {
    expect(isHeld(literal)).toBe(true)
    expect(isChanged(literal)).toBe(false)
    for (const policy of ['reject', 'double'] as const)
      expect(decode([`{"a":${literal}}`], policy)).toEqual([{ a: Number(literal) }])
  })

  it.each(CHANGED)('or not: %s', (literal) => {
    expect(isHeld(literal)).toBe(false)
    expect(isChanged(literal)).toBe(true)
    expect(decode([`{"a":${literal}}`, '{"a":1}', literal, `[ ${literal}]`])).toEqual([
      '<inexact-number>',
      { a: 1 },
      '<inexact-number>',
      '<inexact-number>',
    ])
    expect(decode([`{"a":${literal}}`], 'double')).toEqual([{ a: Number(literal) }])
  })

  it('whatever double it is, printed with whatever number of digits', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 17, max: 100 }),
        (x, digits) => {
          for (const text of [JSON.stringify(x), x.toPrecision(digits), x.toExponential(digits - 1)])
            expect(isHeld(text), text).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('as plain whole numbers say it', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 24 })
    const literal = fc
      .tuple(digits, fc.option(digits), fc.option(fc.integer({ min: -330, max: 330 })))
      .map(([whole, fraction, exponent]) =>
        [String(BigInt(whole)), fraction === null ? '' : `.${fraction}`, exponent === null ? '' : `e${exponent}`].join(
          '',
        ),
      )
    fc.assert(
      fc.property(literal, (text) => {
        expect(isHeld(text), text).toBe(!isChanged(text))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('numbers', () => {
  const ids = ['097', '098', '099'].map((end) => `{"id":1524831183200260${end},"n":1}`)

  it("'reject': ids beyond 2^53 never become one", () => {
    expect(decode(ids)).toEqual(Array(3).fill('<inexact-number>'))
    expect(messageOf(ids[0]!)).toBe(
      "The number at $.id is one that a double would change. Give the source numbers: 'bigint', 'string' or 'double', or send it as text.",
    )
  })

  it("'bigint': whole numbers beyond 2^53 - 1, and those alone", () => {
    const record =
      '{"a":[9007199254740991,9007199254740992,-9007199254740993],"b":{"c":1524831183200260097,"d":"1524831183200260097"}}'
    expect(decode([record, '1524831183200260097', '{"a":1}'], 'bigint')).toEqual([
      {
        a: [9007199254740991, 9007199254740992n, -9007199254740993n],
        b: { c: 1524831183200260097n, d: '1524831183200260097' },
      },
      1524831183200260097n,
      { a: 1 },
    ])
    const others = ['12345678901234567.89', '1e400', `1${'0'.repeat(1_000)}1`, '9007199254740993.0']
    expect(decode(others, 'bigint')).toEqual(others.map(() => '<inexact-number>'))
    expect(messageOf('{"a":1e400}', 'bigint')).toBe(
      "The number at $.a is one that a double would change, and it is not a whole number of at most 1000 digits. Give the source numbers: 'string' or 'double', or send it as text.",
    )
  })

  it("'string': the digits as they are", () => {
    const record = '{"a":[12345678901234567.89,1e400,1.5],"b":-9007199254740993,"c":9007199254740991}'
    expect(decode([record], 'string')).toEqual([
      { a: ['12345678901234567.89', '1e400', 1.5], b: '-9007199254740993', c: 9007199254740991 },
    ])
  })

  it('are not looked for in texts', () => {
    const record = JSON.stringify({ a: 'x: 12345678901234567890', b: '\\', c: '", 1e400', '12345678901234567890': [1] })
    for (const policy of ['reject', 'bigint', 'string', 'double'] as const)
      expect(decode([record, record], policy)).toEqual([JSON.parse(record), JSON.parse(record)])
  })

  it('are found by their path, which names no data', () => {
    const path = (record: string): string => /at (\S+) is one/.exec(messageOf(record))![1]!
    expect(path('{"items":[{"price":1},{"price":[0,12345678901234567890]}]}')).toBe('$.items[1].price[1]')
    expect(path('{"jo@example.com":{"id":12345678901234567890}}')).toBe('$.*.id')
    expect(path('{"a\\u0062":12345678901234567890}')).toBe('$.ab')
    expect(path('12345678901234567890')).toBe('$')
    expect(path(`${'{"level":'.repeat(40)}12345678901234567890${'}'.repeat(40)}`)).toMatch(/^\$(\.level)+.*…$/)
  })

  it('of one record change nothing for those around it, wherever they lie', () => {
    for (let before = 0; before < 40; before++) {
      const records = [`{"x":"${'-'.repeat(before)}"}`, '{"id":1524831183200260097}', '{"id":1}']
      expect(decode(records)).toEqual([JSON.parse(records[0]!), '<inexact-number>', { id: 1 }])
      expect(decode([records[0]!, '{"id":1e400}'])[1]).toBe('<inexact-number>')
    }
  })
})

describe('the scan for long numbers', () => {
  const noise = fc.string({ unit: fc.constantFrom(...'019.eE+-:," []{}xé'), maxLength: 30 })
  const long = fc.constantFrom(
    '1234567890123456',
    '1.234567890123456789',
    '-12345678901.2345678',
    '1e400',
    '0.5E-400',
    '2e+0400',
  )

  it('misses none, at any place, whatever is around', () => {
    fc.assert(
      fc.property(
        noise,
        fc.constantFrom('[', ',', ':', ' ', '\n'),
        long,
        fc.constantFrom('', ',', '}', ']'),
        noise,
        (a, b, number, c, d) => {
          const text = Buffer.from(a + b + number + c + d)
          const buffer = Buffer.alloc(Math.ceil(text.length / 8) * 8)
          text.copy(buffer)
          const words = new Int32Array(buffer.buffer, buffer.byteOffset, buffer.length / 4)
          expect(mayHoldLongNumber(buffer, words, 0, text.length)).toBe(true)
          expect(textMayHoldLongNumber(text.toString())).toBe(true)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('lets what is common pass', () => {
    const common = [
      '{"at":"2026-03-01T10:00:00.000Z","ms":1772359200000,"id":"1524831183200260097","price":123.45,"ip":"192.168.100.200"}',
      '{"uuid":"3e5e4000-1e40-4e44-9e99-0123456789ab","small":1e-7,"large":1e21}',
    ].join('\n,')
    const buffer = Buffer.alloc(Math.ceil(common.length / 8) * 8)
    buffer.write(common)
    expect(
      mayHoldLongNumber(buffer, new Int32Array(buffer.buffer, buffer.byteOffset, buffer.length / 4), 0, common.length),
    ).toBe(false)
  })
})

describe('members that are there twice', () => {
  const doubled = '{"a":1,"b":{"c":1,"c":2},"a":3}'

  it("'last' keeps the last, as JSON.parse does", () => {
    expect(decode([doubled])).toEqual([{ a: 3, b: { c: 2 } }])
  })

  it("'reject' finds them, however they are written", () => {
    const records = [
      doubled,
      '{"a":1,"\\u0061":2}',
      '[{"a":1},{"a":2},{"b":{"a":1}}]',
      '{"a":{"a":{"a":1}}}',
      '{"a":["a","a"]}',
    ]
    expect(decode(records, 'reject', 'reject')).toEqual([
      '<duplicate-member>',
      '<duplicate-member>',
      ...records.slice(2).map((record) => JSON.parse(record)),
    ])
    expect(messageOf(doubled, 'reject', 'reject')).toBe(
      "An object has each member once; $.b.c occurs twice. Give the source duplicateMembers: 'last' to keep the last.",
    )
  })
})
