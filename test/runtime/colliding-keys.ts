import { hash32 } from '../../lib/base/index.js'

const C1 = 0xcc9e2d51
const C2 = 0x1b873593
const ADDED = 0xe6546b64

/** The inverse of an odd number modulo 2^32. */
function inverse(odd: number): number {
  let x = odd
  for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x))
  return x
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))

function after(h: number, k: number): number {
  const mixed = Math.imul(rotate(Math.imul(k, C1), 15), C2)
  return (Math.imul(rotate(h ^ mixed, 13), 5) + ADDED) | 0
}

/**
 * The block of text that leads from one state of the hash to another. The hash can be inverted, as anyone can see from
 * its source.
 */
function blockBetween(from: number, to: number): number {
  const mixed = rotate(Math.imul((to - ADDED) | 0, inverse(5)), 19) ^ from
  return Math.imul(rotate(Math.imul(mixed, inverse(C2)), 17), inverse(C1))
}

const isPlain = (unit: number): boolean =>
  unit >= 0x20 && unit !== 0x22 && unit !== 0x5c && (unit < 0xd800 || unit > 0xdfff)

/** Keys with the same `hash32`, such as an attacker would make to send all records to one place. */
export function collidingKeys(count: number): string[] {
  const keys: string[] = []
  const target = 0x1234_5678
  for (let a = 0x21; a < 0xd800 && keys.length < count; a++) {
    if (!isPlain(a)) continue
    const block = blockBetween(after(0, 0x22 | (a << 16)), target)
    const [b, c] = [block & 0xffff, block >>> 16]
    if (isPlain(b) && isPlain(c)) keys.push(String.fromCharCode(a, b, c, 0x78))
  }
  const hashes = new Set(keys.map((key) => hash32(JSON.stringify(key))))
  if (hashes.size !== 1 || keys.length < count) throw new Error(`${keys.length} keys of ${hashes.size} hashes`)
  return keys
}
