import type { Sink } from '../../ports/index.js'

/** Lines on standard output, waited for until it has taken them. A repeat after a failure prints its rows again. */
export function consoleWriter(out: NodeJS.WritableStream = process.stdout): Sink {
  return {
    async write(batches) {
      for (const { rows } of batches) {
        if (rows.length === 0) continue
        // What JSON cannot write is null, as it is in a list.
        const text = rows.map((row) => `${JSON.stringify(row.value) ?? 'null'}\n`).join('')
        await new Promise<void>((resolve, reject) => out.write(text, (error) => (error ? reject(error) : resolve())))
      }
    },
    close: async () => undefined,
  }
}
