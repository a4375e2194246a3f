import { rowJson } from '../../base/index.js'
import type { Sink } from '../../ports/index.js'

/** Lines on standard output, waited for until it has taken them. A repeat after a failure prints its rows again. */
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
