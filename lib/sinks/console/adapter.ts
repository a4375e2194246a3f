import { rowJson } from '../../base/index.js'
import type { Sink } from '../../ports/index.js'

/** Writes lines to standard output and waits until they are written. A retry after a failure prints them again. */
export function consoleWriter(out: NodeJS.WritableStream = process.stdout): Sink {
  return {
    async write(batches) {
      for (const { rows } of batches) {
        if (rows.length === 0) continue
        const text = rows.map(({ value, op }) => `${rowJson(value, op)}\n`).join('')
        await new Promise<void>((resolve, reject) => out.write(text, (error) => (error ? reject(error) : resolve())))
      }
    },
    close: async () => undefined,
  }
}
