import { compareBytes } from '../../base/index.js'

/**
 * The sort keys of one partition, ordered by UTF-8 bytes. Added keys wait unsorted until the next read, and are then
 * merged in from the end. So the cost is that of the keys above the lowest new one, which is almost nothing for keys
 * near the end.
 */
export class SortedKeys {
  readonly #sorted: string[] = []
  #waiting: string[] = []

  add(key: string): void {
    this.#waiting.push(key)
  }

  /** All keys in order. The array belongs to the store: read it before the next addition. */
  sorted(): readonly string[] {
    if (this.#waiting.length > 0) {
      this.#merge(this.#waiting.sort(compareBytes))
      this.#waiting = []
    }
    return this.#sorted
  }

  #merge(added: readonly string[]): void {
    const keys = this.#sorted
    let end = keys.length
    const inOrder = end === 0 || compareBytes(keys[end - 1]!, added[0]!) < 0
    for (const key of added) keys.push(key)
    if (inOrder) return
    for (let i = added.length - 1; i >= 0; i--) {
      const at = lowerBound(keys, added[i]!, end)
      for (let j = end - 1; j >= at; j--) keys[j + i + 1] = keys[j]!
      keys[at + i] = added[i]!
      end = at
    }
  }
}

/** The index of the first key that is not below `key`, among the first `end` keys. */
export function lowerBound(keys: readonly string[], key: string, end = keys.length): number {
  let low = 0
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareBytes(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
