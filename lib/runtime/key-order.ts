/** What keys are put in order by: their hash, and their text where that is the same. */
export interface KeyPlace {
  readonly hash: number
  readonly text: string
}

/** So many indices fit beside a hash into the 53 bits of a double. */
const INDICES = 2 ** 21
/** From so many on it pays. */
const NUMBERS_MIN = 200

/** The order in which keys of a slice are worked: by hash, then by text. */
export function byHash(a: KeyPlace, b: KeyPlace): number {
  return a.hash - b.hash || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)
}

/**
 * Puts places in order, equals in the order in which they came. Most are told apart by their hashes, which are sorted
 * as numbers: many times faster.
 */
export function inOrder<P extends KeyPlace>(places: P[]): P[] {
  const { length } = places
  if (length < NUMBERS_MIN || length > INDICES) return places.sort(byHash)
  const numbers = new Float64Array(length)
  for (let i = 0; i < length; i++) numbers[i] = places[i]!.hash * INDICES + i
  numbers.sort()
  const sorted: P[] = new Array(length)
  for (let i = 0; i < length; i++) sorted[i] = places[numbers[i]! % INDICES]!
  for (let from = 0, to = 1; from < length; from = to++) {
    while (to < length && sorted[to]!.hash === sorted[from]!.hash) to++
    if (to - from > 1) {
      const same = sorted.slice(from, to).sort(byHash)
      for (let i = 0; i < same.length; i++) sorted[from + i] = same[i]!
    }
  }
  return sorted
}

/**
 * The place before all keys of the hash in the middle; undefined where fewer than `keysMin` hashes would be left below
 * it.
 */
export function middleHash(places: readonly KeyPlace[], keysMin: number): KeyPlace | undefined {
  const hashes = new Uint32Array(places.length)
  for (let i = 0; i < places.length; i++) hashes[i] = places[i]!.hash
  hashes.sort()
  let count = 0
  for (let i = 0; i < hashes.length; i++)
    if (count === 0 || hashes[i] !== hashes[count - 1]) hashes[count++] = hashes[i]!
  const keep = Math.max(keysMin, count >> 1)
  return keep < count ? { hash: hashes[keep]!, text: '' } : undefined
}

/** The key in the middle; undefined where fewer than `keysMin` would be left below it. */
export function middleKey(places: KeyPlace[], keysMin: number): KeyPlace | undefined {
  const sorted = inOrder(places)
  let count = 0
  for (const place of sorted) if (count === 0 || place.text !== sorted[count - 1]!.text) sorted[count++] = place
  const keep = Math.max(keysMin, count >> 1)
  return keep < count ? sorted[keep] : undefined
}
