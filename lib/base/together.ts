/**
 * Waits for all calls, and then throws the first failure, if there is one. `Promise.all` throws at once: the other
 * calls go on, and may change what they share when another attempt uses it already.
 */
export async function together<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const values: T[] = []
  let failure: PromiseRejectedResult | undefined
  // guard: writes-ended
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === 'fulfilled') values.push(result.value)
    else failure ??= result
  }
  if (failure !== undefined) throw failure.reason
  return values
}
