import { STATE_BLOCK_BYTES, STATE_SLOTS, STATE_TAIL_BYTES } from '../base/index.js'
import { distinctOf, UNIT_BYTES } from './distinct.js'

/** The stored state of a key, with the key: a few small values. A pipeline with larger state costs more. */
const STATE_BYTES = 100
/** How much smaller changes of many keys are once they are compressed. */
const COMPRESSION = 6
/** The part of a block that is full, on average. */
const FILL = 0.7

/**
 * Write units for the keyed state of one key group each time a slice closes, when `touches` rows of `keys` keys are in
 * the slice: the slot of its changes, and a part of folding the slots into blocks.
 */
export function stateUnits(keys: number, touches: number): number {
  const changed = distinctOf(keys, touches)
  const slotBytes = (changed * STATE_BYTES) / COMPRESSION
  const closings = Math.max(1, Math.min(STATE_SLOTS - 1, STATE_TAIL_BYTES / slotBytes))
  const blocks = Math.max(1, (keys * STATE_BYTES) / (STATE_BLOCK_BYTES * FILL))
  const folded = distinctOf(blocks, distinctOf(keys, touches * closings))
  const blockUnits = Math.max(1, (STATE_BLOCK_BYTES * FILL) / UNIT_BYTES)
  return Math.max(1, Math.ceil(slotBytes / UNIT_BYTES)) + (folded * blockUnits) / closings
}
