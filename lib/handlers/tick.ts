import type { Pipeline } from '../pipeline/index.js'
import { keep, tick as tickOnce } from '../runtime/tick.js'
import { type Bindings, container } from './bindings.js'
import type { Handler } from './ingest.js'
import { deadlineOf, measured } from './invocation.js'

/**
 * The handler of the schedule, invoked once a minute. It registers splits, ends them and lets them leave, moves
 * watermarks, and restarts what was lost. For the event `{ only: 'keep' }`, which the schedule of a paused pipeline
 * sends, it only makes sure that no state expires.
 * @example export const handler = tick(pipeline, { state: () => lmdbStore('/tmp/state') })
 */
export function tick(pipeline: Pipeline, bindings?: Bindings): Handler {
  const open = container(pipeline, bindings)
  return async (event, context) => {
    const opened = await open()
    return measured(opened, 'tick', async () => {
      const isPaused = (event as { only?: unknown } | null)?.only === 'keep'
      await (isPaused ? keep : tickOnce)(opened.host, deadlineOf(context, opened))
      return {}
    })
  }
}
