import type { Pipeline } from '../pipeline/index.js'
import { tick as tickOnce } from '../runtime/tick.js'
import { type Bindings, container } from './bindings.js'
import type { Handler } from './ingest.js'
import { deadlineOf, measured } from './invocation.js'

/**
 * The handler of the schedule, once a minute: registers, ends and parts splits, moves watermarks, restarts what was lost. Its event is not read.
 * @example export const handler = tick(pipeline, { state: () => lmdbStore('/tmp/state') })
 */
export function tick(pipeline: Pipeline, bindings?: Bindings): Handler {
  const open = container(pipeline, bindings)
  return async (_event, context) => {
    const opened = await open()
    return measured(opened, 'tick', async () => {
      await tickOnce(opened.host, deadlineOf(context, opened))
      return {}
    })
  }
}
