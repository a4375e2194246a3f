import type { Sink, SinkRow } from '../../ports/index.js'

/** User code gets the rows with their ids, in order, one batch after another. */
export function callbackSink(fn: (rows: readonly SinkRow[]) => void | Promise<void>): Sink {
  return {
    async write(batches) {
      for (const batch of batches) await fn(batch.rows)
    },
    close: async () => undefined,
  }
}
