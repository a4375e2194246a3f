import { describe, expect, it } from 'vitest'
import { checksum, hash32, hex8 } from '../../lib/base/index.js'

/** Text whose UTF-16 units are these bytes, two a unit, low byte first. */
const units = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf16le')

describe('hash32', () => {
  // Published vectors of MurmurHash3 x86 32, whose even lengths a string of UTF-16 units can hold.
  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['aa', 0x9747b28c, 0x5d211726],
    ['abcd', 0x9747b28c, 0xf0478627],
    ['ab', 0x9747b28c, 0x74875592],
  ])('is MurmurHash3 of the bytes of %j under seed %d', (bytes, seed, wanted) => {
    expect(hash32(units(bytes), seed)).toBe(wanted)
  })

  it('is the same for ever: key groups and the order of keys hang on it', () => {
    const texts = ['"JFK"', '"LAX"', '1', '-1', 'null', '[1,"a"]', '"é"', '"😀"']
    expect(texts.map((text) => hex8(hash32(text)))).toEqual(GOLDEN)
  })

  it('spreads keys that count up evenly', () => {
    const groups = new Array<number>(8).fill(0)
    for (let i = 0; i < 8000; i++) groups[hash32(`"customer-${i}"`) >>> 29]!++
    for (const size of groups) expect(Math.abs(size - 1000)).toBeLessThan(150)
  })
})

describe('hex8', () => {
  it('sorts as the numbers do', () => {
    expect([0, 1, 0xffff, 0x80000000, 0xffffffff].map(hex8)).toEqual([
      '00000000',
      '00000001',
      '0000ffff',
      '80000000',
      'ffffffff',
    ])
  })
})

describe('checksum', () => {
  it.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('is FNV-1a of %j', (text, wanted) => {
    expect(checksum(Buffer.from(text))).toBe(wanted)
  })
})

const GOLDEN = ['ac425acc', '075ef9d4', 'f879cc33', 'df6e417a', '2f38b6e9', '4c14550f', '714b1de6', '1fc7205d']
