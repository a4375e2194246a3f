import type { Bindings } from '../handlers/index.js'
import { isSet, runIn, VARIABLES } from './environment.js'
import { queueIn } from './queue.js'
import { sinksIn } from './sinks.js'
import { sourcesIn } from './sources.js'
import { stateIn } from './state.js'

export { VARIABLES } from './environment.js'
export type { SourceBinding } from './sources.js'

/**
 * All the bindings that a deployed function needs, from the environment variables that its stack sets. Await it while
 * the module loads: Lambda's init phase has more CPU than the first invocation.
 *
 * @throws {ConfigError} that names the wrong variable and states what it should be
 * @example export const handler = ingest(pipeline, await environmentBindings())
 */
export async function environmentBindings(): Promise<Bindings> {
  const deployment = process.env[VARIABLES.deployment]
  const queue = await queueIn()
  return {
    state: await stateIn(),
    ...sourcesIn(),
    ...sinksIn(),
    run: runIn(),
    ...(deployment && { deployment }),
    ...(queue && { queue }),
    kafkaPartialAnswers: isSet(VARIABLES.kafkaPartialAnswers),
  }
}
