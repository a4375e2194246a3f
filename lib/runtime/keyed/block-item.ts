import type { Item, ItemKey } from '../../ports/index.js'
import { blockKey } from '../keys.js'
import { checkSeal, sealOf } from '../seal.js'
import { Behind, type StateGroup } from './group.js'
import { bytesOf, decodeRecords, type KeyRecord } from './key-record.js'
import type { Node } from './splits.js'

/** A leaf of the trie, with the states of its keys as they were after the slot `asOf`. */
export interface Leaf extends Node {
  readonly asOf: number
  readonly isStored: boolean
  readonly records: ReadonlyMap<string, KeyRecord>
  /** Heap that it takes, about. */
  readonly bytes: number
}

/** The heap of a leaf without its records. */
const LEAF_BYTES = 200
/** The names of a block's attributes, with `pk` and `sk`, and its numbers. */
const ATTRIBUTES_BYTES = 64

export const blockSeal = ({ sk }: ItemKey, asOf: number, levels: number, sum: number): number =>
  sealOf(sk, asOf, levels, sum)

export const keyOf = ({ host, operator, keyGroup }: StateGroup, { depth, bits }: Node): ItemKey =>
  blockKey(host.prefix, operator, keyGroup, depth, bits)

/** The size of a stored block beside its records. */
export const overheadOf = ({ pk, sk }: ItemKey): number => ATTRIBUTES_BYTES + pk.length + sk.length

/**
 * The levels down to the children of a split block; 0 for a leaf, or for one that is not stored.
 * @throws {StopError} if the block is damaged
 */
export function levelsOf(item: Item | undefined): number {
  if (item === undefined) return 0
  const seal = blockSeal(item, item.asOf as number, item.levels as number, item.sum as number)
  checkSeal(item, 'seal', seal, 'a block of keyed state')
  return item.levels as number
}

/**
 * A leaf as it is stored.
 * @throws {Behind} if it is ahead of the slot `seq`, the last one that the attempt knows
 */
export function leafOf({ depth, bits }: Node, item: Item | undefined, seq: number): Leaf {
  if (item === undefined) return { depth, bits, asOf: 0, isStored: false, records: new Map(), bytes: heapOf(new Map()) }
  const asOf = item.asOf as number
  if (asOf > seq) throw new Behind() // guard: block-behind
  const records = new Map(decodeRecords(item, 'block').map((record) => [record.text, record]))
  return { depth, bits, asOf, isStored: true, records, bytes: heapOf(records) }
}

export function heapOf(records: ReadonlyMap<string, KeyRecord>): number {
  let bytes = LEAF_BYTES
  for (const record of records.values()) bytes += 2 * bytesOf(record)
  return bytes
}
