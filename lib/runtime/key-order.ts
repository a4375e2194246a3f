/** The sort order of keys: by hash, and by text if the hashes are equal. */
export interface KeyPlace {
  readonly hash: number
  readonly text: string
}

/** This many indices fit beside a hash into the 53 bits of a double. */
const INDICES = 2 ** 21
/** Below this length a plain sort is faster. */
const NUMBERS_MIN = 200

/** The order in which the keys of a slice are processed: by hash, then by text. */
export function byHash(a: KeyPlace, b: KeyPlace): number {
  return a.hash - b.hash || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)
}

/**
 * Sorts places; equal ones keep their order. Most places differ in their hashes, which are sorted as numbers. That is
 * many times faster than a sort with a comparator.
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

/** The place before all keys that have the median hash; undefined if fewer than `keysMin` hashes would be below it. */
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

/** The median key; undefined if fewer than `keysMin` keys would be below it. */
export function middleKey(places: KeyPlace[], keysMin: number): KeyPlace | undefined {
  const sorted = inOrder(places)
  let count = 0
  for (const place of sorted) if (count === 0 || place.text !== sorted[count - 1]!.text) sorted[count++] = place
  const keep = Math.max(keysMin, count >> 1)
  return keep < count ? sorted[keep] : undefined
}
