/** How a mapping interprets an answer: where each range resumes. After `failed`, the whole batch is redelivered. */
export type Judgement =
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'resume'; readonly at: readonly number[] }

/** The record that an identifier names: its range, and the index in it. */
export interface Found {
  readonly range: number
  readonly index: number
}

/**
 * Reads a handler's answer by the rules of Lambda's event source mapping. No answer and an empty list mean success. An
 * identifier that is empty, missing or not in the batch fails the whole batch. For a stream, delivery resumes at the
 * lowest identifier. `ends` are the ends of the ranges.
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
  if (!Array.isArray(failures)) return { kind: 'failed', why: 'batchItemFailures is not a list' }
  for (const failure of failures) {
    const found = locate((failure as { itemIdentifier?: unknown } | null)?.itemIdentifier)
    if (found === undefined) return { kind: 'failed', why: 'an itemIdentifier is not in the batch' }
    at[found.range] = Math.min(at[found.range]!, found.index)
  }
  return { kind: 'resume', at }
}
