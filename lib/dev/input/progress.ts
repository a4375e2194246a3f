import type { StreamInput } from './stream-input.js'

/** How much of some inputs is done, by where their splits stand: what an earlier run has done counts too. */
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
  // A run that goes on reads its input from the start again: what was done before is ahead of that for a while.
  if (isWhole) return { done, total: read, share: read === 0 ? 1 : Math.min(1, done / read) }
  const readShare = bytes === 0 ? 0 : Math.min(1, bytesRead / bytes)
  return { done, share: read === 0 ? 0 : readShare * Math.min(1, done / read) }
}
