import { MillraceError, RetryableError } from '../../base/index.js'
import type { Swarm } from './faults.js'

/** What a handler may throw in a world: what the world did to it, and what it says loudly on purpose. */
export function isExpected(error: unknown, swarm: Swarm): boolean {
  if (!(error instanceof MillraceError)) return false
  switch (error.code) {
    case 'event-shape':
      return swarm.counts.has('malformed-event')
    case 'split-stopped':
      return swarm.counts.has('trim') || swarm.counts.has('topic-remade')
    // By a clock far ahead all that waits has expired: that attempt closes nothing, and says so.
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
