import type { OperatorPlan } from '../../pipeline/index.js'
import type { StateStore } from '../../ports/index.js'
import type { Host } from '../host.js'

/** A key group of an operator with keyed state. */
export interface StateGroup {
  readonly host: Host
  readonly operator: OperatorPlan
  readonly keyGroup: number
}

export const storeOf = ({ host }: StateGroup): StateStore => host.services.store

/**
 * Another attempt is ahead: what this one has read of the state is not valid any more. It ends, and the next one reads
 * the state again.
 */
export class Behind extends Error {}

/** Where a key is among those of its key group: 32 bits, in the order of the hashes. */
export function placeOf(hash: number, keyGroups: number): number {
  return (hash * keyGroups) % 0x1_0000_0000
}

/** The first bits of a place. */
export const firstBits = (place: number, depth: number): number => (depth === 0 ? 0 : place >>> (32 - depth))
