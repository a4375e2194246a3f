/**
 * Waits for all calls, and then throws the first failure, if there is one. `Promise.all` throws at once: the other
 * calls go on, and may change what they share when another attempt uses it already.
 */
export async function together<T extends readonly unknown[] | []>(
  calls: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  // guard: writes-ended
  const results = await Promise.allSettled(calls)
  const values: unknown[] = []
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason
    values.push(result.value)
  }
  return values as { -readonly [K in keyof T]: Awaited<T[K]> }
}
