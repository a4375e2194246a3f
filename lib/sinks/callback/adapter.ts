import { MillraceError, messageOf, RetryableError } from '../../base/index.js'
import type { Sink, SinkRow } from '../../ports/index.js'

/**
 * Passes the rows with their ids to user code, in order, one batch after another. Errors that it throws are reported
 * with the name of the sink.
 */
export function callbackSink(name: string, fn: (rows: readonly SinkRow[]) => void | Promise<void>): Sink {
  return {
    async write(batches) {
      for (const { rows } of batches)
        try {
          await fn(rows)
        } catch (thrown) {
          if (thrown instanceof MillraceError) throw thrown
          const what = `The function of callback("${name}") threw`
          throw new RetryableError('sink-threw', `${what}: ${messageOf(thrown)}`, { cause: thrown })
        }
    },
    close: async () => undefined,
  }
}
