/** How much work is in flight at a time. */
export interface ReadAhead {
  readonly elements: number
  readonly bytes: number
}

/**
 * Yields the results of work on each element, in order. Some results are computed ahead, within bounds. An element
 * above the byte limit is processed alone.
 */
export async function* readAhead<T, R>(
  elements: readonly T[],
  most: ReadAhead,
  bytesOf: (element: T) => number,
  work: (element: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: { readonly result: Promise<R>; readonly bytes: number }[] = []
  let next = 0
  let bytes = 0
  const hasRoom = (): boolean =>
    underWay.length === 0 || (underWay.length < most.elements && bytes + bytesOf(elements[next]!) <= most.bytes)
  for (;;) {
    for (; next < elements.length && hasRoom(); next++) {
      const result = work(elements[next]!)
      // The consumer that awaits the result receives a failure. It may stop before that, so an unhandled rejection is
      // not an error.
      result.catch(() => undefined)
      bytes += bytesOf(elements[next]!)
      underWay.push({ result, bytes: bytesOf(elements[next]!) })
    }
    const first = underWay[0]
    if (first === undefined) return
    yield await first.result
    underWay.shift()
    bytes -= first.bytes
  }
}
