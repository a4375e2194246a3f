import {
  BLOCK_WRITES_AT_ONCE,
  BLOCKS_AT_ONCE,
  CONTENTION_TURNS_MAX,
  RetryableError,
  STORE_GET_MAX,
  together,
} from '../../base/index.js'
import type { Item, ItemKey } from '../../ports/index.js'
import { blockKey } from '../keys.js'
import { checkSeal, sealOf } from '../seal.js'
import { Behind, firstBits, placeOf, type StateGroup, storeOf } from './group.js'
import { bytesOf, decodeRecords, encodeRecords, type KeyRecord, recordAttributes } from './key-record.js'

/** A node of the trie over the places of keys: those that begin with the same `depth` bits. */
interface Node {
  readonly depth: number
  readonly bits: number
}

/** A leaf of the trie, with the states of its keys as they were after the slot `asOf`. */
interface Leaf extends Node {
  readonly asOf: number
  readonly isStored: boolean
  readonly records: ReadonlyMap<string, KeyRecord>
  readonly bytes: number
}

const DEPTH_MAX = 32
const nameOf = ({ depth, bits }: Node): number => depth * 0x1_0000_0000 + bits
const blockSeal = ({ sk }: ItemKey, asOf: number, levels: number, sum: number): number => sealOf(sk, asOf, levels, sum)

/**
 * The blocks of a key group: a trie over the places of its keys. A leaf holds the states of its keys. A leaf that is
 * too large is split into leaves some levels below. These are written first; then the leaf is marked as split, for
 * good. So whatever lies below a leaf is not part of the state.
 */
export class Blocks {
  bytes = 0
  private readonly group: StateGroup
  /** The levels from a split block to its children, by name. A split is never undone. */
  private readonly splits = new Map<number, number>()
  /** Leaves that were read, the most recently used last. */
  private readonly leaves = new Map<number, Leaf>()

  constructor(group: StateGroup) {
    this.group = group
  }

  clear(): void {
    this.splits.clear()
    this.forget()
  }

  /** Drops the leaves: another attempt has folded changes into blocks. */
  forget(): void {
    this.leaves.clear()
    this.bytes = 0
  }

  /** Drops the leaves that were not used for the longest time. */
  trim(bytesMax: number): void {
    for (const [name, leaf] of this.leaves) {
      if (this.bytes <= bytesMax) return
      this.leaves.delete(name)
      this.bytes -= leaf.bytes
    }
  }

  private walk(place: number): Node {
    let depth = 0
    for (;;) {
      const node = { depth, bits: firstBits(place, depth) }
      const levels = this.splits.get(nameOf(node))
      if (levels === undefined) return node
      depth += levels
    }
  }

  /** Whether two places are in one leaf, as far as is known. */
  isSame(a: number, b: number): boolean {
    return nameOf(this.walk(a)) === nameOf(this.walk(b))
  }

  /** The leaf that holds a place. It must have been loaded. */
  leafOf(place: number): Leaf {
    const name = nameOf(this.walk(place))
    const leaf = this.leaves.get(name)!
    this.leaves.delete(name)
    this.leaves.set(name, leaf)
    return leaf
  }

  /**
   * Reads the leaves of some places that are not held. `seq` is the number of the last slot that the attempt knows.
   * @throws {Behind} if a leaf is ahead of it
   */
  async load(places: Iterable<number>, seq: number): Promise<void> {
    for (let level = 0; level <= DEPTH_MAX; level++) {
      const missing = new Map<number, Node>()
      for (const place of places) {
        const node = this.walk(place)
        const name = nameOf(node)
        if (!this.leaves.has(name)) missing.set(name, node)
      }
      if (missing.size === 0) return
      const nodes = [...missing.values()]
      const batches: Node[][] = []
      for (let at = 0; at < nodes.length; at += STORE_GET_MAX) batches.push(nodes.slice(at, at + STORE_GET_MAX))
      for (let at = 0; at < batches.length; at += BLOCKS_AT_ONCE)
        await together(batches.slice(at, at + BLOCKS_AT_ONCE).map((some) => this.read(some, seq)))
    }
    throw new RetryableError('contention', `The blocks of "${this.group.operator.name}" changed while they were read.`)
  }

  private async read(nodes: readonly Node[], seq: number): Promise<void> {
    const items = await storeOf(this.group).get(nodes.map((node) => this.keyOf(node)))
    this.group.host.services.metrics.add('BlocksRead', nodes.length, 'Count')
    for (const [i, node] of nodes.entries()) {
      const item = items[i]
      const levels = (item?.levels as number | undefined) ?? 0
      if (item !== undefined) this.check(item)
      if (levels > 0) this.splits.set(nameOf(node), levels)
      else this.hold(leafOf(node, item, seq))
    }
  }

  private hold(leaf: Leaf): void {
    const name = nameOf(leaf)
    this.bytes += leaf.bytes - (this.leaves.get(name)?.bytes ?? 0)
    this.leaves.set(name, leaf)
  }

  private check(item: Item): void {
    const seal = blockSeal(item, item.asOf as number, item.levels as number, item.sum as number)
    checkSeal(item, 'seal', seal, 'a block of keyed state')
  }

  private keyOf({ depth, bits }: Node): ItemKey {
    const { host, operator, keyGroup } = this.group
    return blockKey(host.prefix, operator, keyGroup, depth, bits)
  }

  /**
   * Writes new states of keys into their leaf. All of the leaf's changes must be given at once. Returns false if the
   * leaf has been split in the meantime: then the changes have to be written again.
   */
  async write(leaf: Leaf, changes: readonly KeyRecord[], asOf: number): Promise<boolean> {
    const records = new Map(leaf.records)
    for (const record of changes) {
      records.delete(record.text)
      if (record.state !== '') records.set(record.text, record)
    }
    const isWritten = await this.save(leaf, records, asOf)
    // guard: split-seen
    if (!isWritten) {
      this.leaves.delete(nameOf(leaf))
      this.bytes -= leaf.bytes
    }
    return isWritten
  }

  private async save(leaf: Leaf, records: ReadonlyMap<string, KeyRecord>, asOf: number): Promise<boolean> {
    const bytes = encodeRecords(records.values())
    const { blockBytes } = this.group.host.limits
    if (bytes.length <= blockBytes || records.size <= 1 || leaf.depth >= DEPTH_MAX) {
      if (!(await this.put(leaf, bytes, records.size, 0, asOf, leaf.isStored))) return false
      this.hold({ ...leaf, asOf, isStored: true, records, bytes: sizeOf(records) })
      return true
    }
    // Enough levels that the children are half full on average.
    const wanted = Math.ceil(Math.log2((2 * bytes.length) / blockBytes))
    const levels = Math.min(Math.max(1, wanted), DEPTH_MAX - leaf.depth, LEVELS_MAX)
    const { operator } = this.group
    const children = new Map<number, Map<string, KeyRecord>>()
    for (let n = 0; n < 2 ** levels; n++) children.set((leaf.bits * 2 ** levels + n) >>> 0, new Map())
    for (const [text, record] of records)
      children.get(firstBits(placeOf(record.hash, operator.keyGroups), leaf.depth + levels))!.set(text, record)
    const made = [...children].map(([bits, some]) => ({ depth: leaf.depth + levels, bits, records: some }))
    // guard: children-first
    for (let at = 0; at < made.length; at += BLOCK_WRITES_AT_ONCE) {
      const some = made.slice(at, at + BLOCK_WRITES_AT_ONCE)
      const written = await together(
        some.map((child) => this.put(child, encodeRecords(child.records.values()), child.records.size, 0, asOf, false)),
      )
      if (written.includes(false)) return false
    }
    if (!(await this.put(leaf, Buffer.alloc(0), 0, levels, asOf, leaf.isStored))) return false
    this.leaves.delete(nameOf(leaf))
    this.bytes -= leaf.bytes
    this.splits.set(nameOf(leaf), levels)
    for (const { records: some, ...child } of made) {
      this.hold({ ...child, asOf, isStored: true, records: some, bytes: sizeOf(some) })
    }
    return true
  }

  /**
   * Writes a block over an older one. Returns false if it is split already, or if it is to be split and is newer. Then
   * what was read of it is not valid any more.
   */
  private async put(
    node: Node,
    bytes: Buffer,
    records: number,
    levels: number,
    asOf: number,
    isStored: boolean,
  ): Promise<boolean> {
    const key = this.keyOf(node)
    const payload = recordAttributes(bytes, records)
    const attributes = { ...payload, levels, asOf, seal: blockSeal(key, asOf, levels, payload.sum as number) }
    const store = storeOf(this.group)
    this.group.host.services.metrics.add('BlocksWritten', 1, 'Count')
    for (let turn = 0; turn < CONTENTION_TURNS_MAX; turn++) {
      if (!isStored || turn > 0) {
        const [verdict] = await store.insert([{ ...key, ...attributes }])
        if (verdict === 'inserted') return true // guard: block-once
      }
      const { applied, item } = await store.update({
        key,
        set: attributes,
        when: [
          { attribute: 'asOf', is: 'below', value: asOf }, // guard: block-older
          { attribute: 'levels', is: 'equal', value: 0 }, // guard: split-for-good
        ],
      })
      if (applied) return true
      if (item === undefined) continue
      // Whoever has written the block after the same slot, or a later one, has written these changes too.
      return levels === 0 && item.levels === 0
    }
    throw new RetryableError('contention', `A block of "${this.group.operator.name}" is there, and is not there.`)
  }
}

/** A split makes at most 1,024 children, so that it is a bounded amount of work. */
const LEVELS_MAX = 10

function leafOf(node: Node, item: Item | undefined, seq: number): Leaf {
  if (item === undefined) return { ...node, asOf: 0, isStored: false, records: new Map(), bytes: 0 }
  const asOf = item.asOf as number
  if (asOf > seq) throw new Behind() // guard: block-behind
  const records = new Map(decodeRecords(item, 'block').map((record) => [record.text, record]))
  return { ...node, asOf, isStored: true, records, bytes: sizeOf(records) }
}

function sizeOf(records: ReadonlyMap<string, KeyRecord>): number {
  let bytes = 0
  for (const record of records.values()) bytes += 2 * bytesOf(record)
  return bytes
}
