/**
 * Runs work on each element, a bounded number at a time. After the first failure no further work starts; the error is
 * thrown when all running work has ended.
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
