import { CONTENTION_TURNS_MAX, RetryableError, together } from '../../base/index.js'
import type { Attribute, Update } from '../../ports/index.js'
import { blockSeal, keyOf, type Leaf, overheadOf } from './block-item.js'
import { firstBits, placeOf, type StateGroup, storeOf } from './group.js'
import { encodeRecords, type KeyRecord, recordAttributes } from './key-record.js'
import { childOf, type Node } from './splits.js'

export const DEPTH_MAX = 32
/** A split makes at most 1,024 children, so that it is a bounded amount of work. */
const LEVELS_MAX = 10
/** A split makes enough children that they are no fuller than this, on average. */
const FULL_MAX = 0.7
/** A block that compresses well has at most so many times the bytes of a block, because each reader unpacks it. */
const PACKED_MAX = 8

/** A block as it is to be stored. */
export interface Block {
  readonly node: Node
  readonly levels: number
  readonly isStored: boolean
  readonly payload: Readonly<Record<string, Attribute>>
}

/** New contents of a leaf: one block, or some children and then the mark that it is split. */
export interface Draft {
  readonly leaf: Leaf
  /** The levels down to the children; 0 if it is not split. */
  readonly levels: number
  readonly parts: readonly (Node & { readonly records: ReadonlyMap<string, KeyRecord> })[]
  readonly blocks: readonly Block[]
}

/** What a leaf becomes with some changes. The size that counts is the stored one, with all attributes. */
export function draftOf(group: StateGroup, leaf: Leaf, changes: readonly KeyRecord[]): Draft {
  const records = new Map(leaf.records)
  for (const record of changes) {
    records.delete(record.text)
    if (record.state !== '') records.set(record.text, record)
  }
  const block = blockOf(group, leaf, records, leaf.isStored)
  const excess = block.size / group.host.limits.blockBytes
  if (excess <= 1 || records.size <= 1 || leaf.depth >= DEPTH_MAX)
    return { leaf, levels: 0, parts: [{ depth: leaf.depth, bits: leaf.bits, records }], blocks: [block] }
  const wanted = Math.ceil(Math.log2(excess / FULL_MAX))
  const levels = Math.min(Math.max(1, wanted), DEPTH_MAX - leaf.depth, LEVELS_MAX)
  const children = Array.from({ length: 2 ** levels }, (_, n) => ({
    ...childOf(leaf, levels, n),
    records: new Map<string, KeyRecord>(),
  }))
  const { keyGroups } = group.operator
  for (const [text, record] of records) {
    const bits = firstBits(placeOf(record.hash, keyGroups), leaf.depth + levels)
    children[bits - children[0]!.bits]!.records.set(text, record)
  }
  const blocks = children.map((child) => blockOf(group, child, child.records, false))
  return { leaf, levels, parts: children, blocks }
}

function blockOf(
  group: StateGroup,
  node: Node,
  records: ReadonlyMap<string, KeyRecord>,
  isStored: boolean,
): Block & { readonly size: number } {
  const bytes = encodeRecords(records.values())
  const overhead = overheadOf(keyOf(group, node))
  const payload = recordAttributes(bytes, records.size, overhead)
  const size = Math.max((payload.data as Uint8Array).length + overhead, bytes.length / PACKED_MAX)
  return { node, levels: 0, isStored, payload, size }
}

/** The block that marks a leaf as split. */
export const markerOf = ({ leaf, levels }: Draft): Block => ({
  node: leaf,
  levels,
  isStored: leaf.isStored,
  payload: recordAttributes(Buffer.alloc(0), 0),
})

/**
 * Writes blocks over older ones, many a request. The result is false for a block that is split already, or that is to
 * be split and is newer: then what was read of it is not valid any more.
 */
export async function putBlocks(group: StateGroup, blocks: readonly Block[], asOf: number): Promise<boolean[]> {
  const done: boolean[] = []
  const store = storeOf(group)
  group.host.services.metrics.add('BlocksWritten', blocks.length, 'Count')
  let absent: number[] = []
  let stored: number[] = []
  for (const [i, { isStored }] of blocks.entries()) (isStored ? stored : absent).push(i)
  for (let turn = 0; turn < CONTENTION_TURNS_MAX; turn++) {
    const updates = stored.map((i) => updateOf(group, blocks[i]!, asOf))
    const items = absent.map((i) => itemOf(group, blocks[i]!, asOf))
    const [inserted, updated] = await together([
      items.length === 0 ? [] : store.insert(items),
      updates.length === 0 ? [] : store.updateAll(updates),
    ])
    const exists: number[] = []
    for (const [n, i] of absent.entries()) {
      if (inserted[n] === 'inserted')
        done[i] = true // guard: block-once
      else exists.push(i)
    }
    absent = []
    for (const [n, i] of stored.entries()) {
      const verdict = updated[n]!
      if (verdict.applied) done[i] = true
      else if (verdict.item === undefined) absent.push(i)
      // Whoever has written the block after the same slot, or a later one, has written these changes too.
      else done[i] = blocks[i]!.levels === 0 && verdict.item.levels === 0
    }
    stored = exists
    if (absent.length + stored.length === 0) return done
  }
  throw new RetryableError('contention', `A block of "${group.operator.name}" is there, and is not there.`)
}

function attributesOf(group: StateGroup, { node, levels, payload }: Block, asOf: number) {
  return { ...payload, levels, asOf, seal: blockSeal(keyOf(group, node), asOf, levels, payload.sum as number) }
}

const itemOf = (group: StateGroup, block: Block, asOf: number) => ({
  ...keyOf(group, block.node),
  ...attributesOf(group, block, asOf),
})

const updateOf = (group: StateGroup, block: Block, asOf: number): Update => ({
  key: keyOf(group, block.node),
  set: attributesOf(group, block, asOf),
  when: [
    { attribute: 'asOf', is: 'below', value: asOf }, // guard: block-older
    { attribute: 'levels', is: 'equal', value: 0 }, // guard: split-for-good
  ],
})
