import { MillraceError, RetryableError } from '../../base/index.js'
import type { Swarm } from './faults.js'

/** Whether a handler may throw this error in a world: an injected fault, or a stop that the world provokes. */
export function isExpected(error: unknown, swarm: Swarm): boolean {
  if (!(error instanceof MillraceError)) return false
  switch (error.code) {
    case 'event-shape':
      return swarm.counts.has('malformed-event')
    case 'split-stopped':
      return swarm.counts.has('trim') || swarm.counts.has('topic-remade')
    // With a clock far ahead, all waiting state has expired: the attempt closes nothing and reports it.
    case 'state-expired':
      return swarm.counts.has('clock-far')
    case 'damaged-state':
    case 'lost-state':
    case 'unknown-format':
      return swarm.counts.has('bit-flip') || swarm.counts.has('lost-segment') || swarm.counts.has('future-format')
    default:
      return error instanceof RetryableError
  }
}
