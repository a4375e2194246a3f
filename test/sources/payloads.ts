import type { SplitBatch } from '../../lib/ports/index.js'

/** A record's payload as text, or its defect. Checks that the batch keeps within the bound that it gave. */
export function payload(batch: SplitBatch, index: number): string | number {
  const bound = batch.sizeBound(index)
  const target = Buffer.alloc(bound + 8, 0x23)
  const written = batch.write(index, target, 4)
  if (written < 0) return written
  if (written > bound) throw new Error(`${written} bytes were written, above the bound of ${bound}`)
  return target.toString('utf8', 4, 4 + written)
}

export function payloads(batch: SplitBatch): (string | number)[] {
  return Array.from({ length: batch.count }, (_, i) => {
    batch.position(i)
    batch.key(i)
    batch.arrivalMs(i)
    batch.stampMs?.(i)
    batch.header(i, 'toString')
    return payload(batch, i)
  })
}
