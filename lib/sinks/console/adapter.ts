import type { Sink } from '../../ports/index.js'

/** Lines on standard output. A repeat after a failure prints its rows again. */
export function consoleWriter(out: NodeJS.WritableStream = process.stdout): Sink {
  return {
    async write(batches) {
      for (const batch of batches) out.write(batch.rows.map((row) => `${JSON.stringify(row.value)}\n`).join(''))
    },
    close: async () => undefined,
  }
}
