import type { StreamInput } from './stream-input.js'

/**
 * How much of some inputs is processed, by the positions of their splits. This includes records that an earlier run
 * processed.
 */
export function progressOf(
  inputs: readonly StreamInput[],
  positions: ReadonlyMap<string, string>,
): { readonly done: number; readonly total?: number; readonly share: number } {
  let [done, read, bytes, bytesRead] = [0, 0, 0, 0]
  let isWhole = true
  for (const input of inputs) {
    bytes += input.bytes
    bytesRead += input.bytesRead
    for (const log of input.logs) {
      const position = positions.get(`${input.source.name}/${log.split}`)
      done += position === undefined ? 0 : input.numbering.index(position) + 1
      read += log.total
      isWhole &&= log.ended
    }
  }
  // A resumed run reads its input from the start again, so that for a while the records done earlier exceed those read.
  if (isWhole) return { done, total: read, share: read === 0 ? 1 : Math.min(1, done / read) }
  const readShare = bytes === 0 ? 0 : Math.min(1, bytesRead / bytes)
  return { done, share: read === 0 ? 0 : readShare * Math.min(1, done / read) }
}
