/**
 * Runs work on each element, a bounded number at a time. The first failure stops what has not begun, and is thrown once
 * all under way has ended.
 */
export async function limited<T>(
  elements: readonly T[],
  mostAtOnce: number,
  work: (element: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  let failure: { readonly error: unknown } | undefined
  const worker = async (): Promise<void> => {
    while (next < elements.length && failure === undefined) {
      const index = next++
      try {
        await work(elements[index]!, index)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(mostAtOnce, elements.length) }, worker))
  if (failure !== undefined) throw failure.error
}
