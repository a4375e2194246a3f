/**
 * MurmurHash3 (x86, 32 bit) over the UTF-16 units of a string, two bytes for each unit. It never changes: key groups,
 * the order of keys and checksums depend on it. The constants are from the public-domain reference implementation by
 * Austin Appleby.
 */
export function hash32(text: string, seed = 0): number {
  const c1 = 0xcc9e2d51
  const c2 = 0x1b873593
  const length = text.length
  const even = length & ~1
  let h = seed | 0
  for (let i = 0; i < even; i += 2) {
    let k = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16)
    k = Math.imul(k, c1)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, c2)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  if (even < length) {
    let k = Math.imul(text.charCodeAt(even), c1)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, c2)
  }
  return finish(h ^ (length * 2))
}

function finish(value: number): number {
  let h = value
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  h ^= h >>> 16
  return h >>> 0
}

/** FNV-1a over bytes: the checksum of stored payloads. It detects accidental damage, not tampering. */
export function checksum(bytes: Uint8Array): number {
  let h = 0x811c9dc5
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193)
  return h >>> 0
}

/** Eight hex digits, which sort in the order of the numbers. */
export function hex8(hash: number): string {
  return hash.toString(16).padStart(8, '0')
}
