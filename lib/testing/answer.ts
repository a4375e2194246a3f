/** What a mapping makes of an answer: where each range goes on. `failed` is a batch that comes again whole. */
export type Judgement =
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'resume'; readonly at: readonly number[] }

/** Where an identifier points to: a range, and the index in it. */
export interface Found {
  readonly range: number
  readonly index: number
}

/**
 * Reads a handler's answer as the event source mapping does (Lambda's rules): nothing and an empty list are success; an
 * identifier that is empty, missing or not in the batch fails all of it; of a stream the lowest one is where it goes
 * on. `ends` are the ranges' ends.
 */
export function judgeAnswer(
  answer: unknown,
  ends: readonly number[],
  locate: (identifier: any) => Found | undefined,
): Judgement {
  const at = [...ends]
  if (answer === null || answer === undefined || answer === '') return { kind: 'resume', at }
  const failures = (answer as { batchItemFailures?: unknown }).batchItemFailures
  if (failures === undefined || failures === null) return { kind: 'resume', at }
  if (!Array.isArray(failures)) return { kind: 'failed', why: 'batchItemFailures is no list' }
  for (const failure of failures) {
    const found = locate((failure as { itemIdentifier?: unknown } | null)?.itemIdentifier)
    if (found === undefined) return { kind: 'failed', why: 'an itemIdentifier is not in the batch' }
    at[found.range] = Math.min(at[found.range]!, found.index)
  }
  return { kind: 'resume', at }
}
