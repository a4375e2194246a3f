import type { StreamInput } from '../input/stream-input.js'
import { sequenceNumber } from '../input/stream-input.js'
import type { Range } from './events.js'

/** What a mapping makes of an answer: where each range goes on. `failed` is a batch that comes again whole. */
export type Judgement =
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'resume'; readonly at: readonly number[] }

/**
 * Reads a handler's answer as the event source mapping does (Lambda's rules): nothing and an empty list are success; an identifier that is empty, missing
 * or not in the batch fails all of it; of a stream the lowest one is where it goes on.
 */
export function judge(input: StreamInput, ranges: readonly Range[], answer: unknown): Judgement {
  const done: Judgement = { kind: 'resume', at: ranges.map((range) => range.to) }
  if (answer === null || answer === undefined || answer === '') return done
  const failures = (answer as { batchItemFailures?: unknown }).batchItemFailures
  if (failures === undefined || failures === null) return done
  if (!Array.isArray(failures)) return { kind: 'failed', why: 'batchItemFailures is no list' }
  const at = ranges.map((range) => range.to)
  for (const failure of failures) {
    const found = locate(input, ranges, (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier)
    if (found === undefined) return { kind: 'failed', why: 'an itemIdentifier is not in the batch' }
    at[found.range] = Math.min(at[found.range]!, found.index)
  }
  return { kind: 'resume', at }
}

function locate(
  input: StreamInput,
  ranges: readonly Range[],
  identifier: any,
): { range: number; index: number } | undefined {
  const { connector } = input.source
  for (const [range, { log, from, to }] of ranges.entries()) {
    let index = -1
    if (connector === 'kinesis' && typeof identifier === 'string') index = Number(identifier.slice(-11))
    if (connector === 'kinesis' && identifier !== sequenceNumber(index)) continue
    if (connector === 'kafka' && identifier?.partition === log.split) index = identifier.offset
    if (connector === 'file' && identifier?.split === log.split) index = identifier.offset
    if (Number.isSafeInteger(index) && index >= from && index < to) return { range, index }
  }
  return undefined
}
