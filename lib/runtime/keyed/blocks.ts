import {
  BLOCK_BYTES_AT_ONCE,
  BLOCK_WRITES_AT_ONCE,
  BLOCKS_AT_ONCE,
  DIRECTORY_GROWTH,
  RetryableError,
  STORE_GET_MAX,
  together,
} from '../../base/index.js'
import type { Item } from '../../ports/index.js'
import { heapOf, keyOf, type Leaf, leafOf, levelsOf } from './block-item.js'
import { DEPTH_MAX, type Draft, draftOf, markerOf, putBlocks } from './block-writes.js'
import { keyOfDirectory, readDirectory, writeDirectory } from './directory.js'
import { type StateGroup, storeOf } from './group.js'
import type { KeyRecord } from './key-record.js'
import { type Node, nameOf, ROOT, Splits } from './splits.js'

export type { Leaf } from './block-item.js'

type Changes = readonly (readonly [Leaf, readonly KeyRecord[]])[]

/**
 * The blocks of a key group: a trie over the places of its keys. A leaf holds the states of its keys. A leaf that is
 * too large is split into leaves some levels below. These are written first; then the leaf is marked as split, for
 * good. So whatever lies below a leaf is not part of the state.
 */
export class Blocks {
  private readonly group: StateGroup
  private readonly splits = new Splits()
  /** Leaves that were read, the most recently used last. */
  private readonly leaves = new Map<number, Leaf>()
  private leafBytes = 0
  /** How many splits were known when the stored directory was written; undefined before it was read. */
  private listed: number | undefined

  constructor(group: StateGroup) {
    this.group = group
  }

  /** Heap that is taken, about. */
  get bytes(): number {
    return this.leafBytes + this.splits.bytes
  }

  clear(): void {
    this.splits.clear()
    this.listed = undefined
    this.forget()
  }

  /** Drops the leaves: another attempt has folded changes into blocks. */
  forget(): void {
    this.leaves.clear()
    this.leafBytes = 0
  }

  /** Drops the leaves that were not used for the longest time. */
  trim(bytesMax: number): void {
    for (const leaf of this.leaves.values()) {
      if (this.bytes <= bytesMax) return
      this.drop(leaf)
    }
  }

  /** Whether two places are in one leaf, as far as is known. */
  isSame(a: number, b: number): boolean {
    return nameOf(this.splits.leafAt(a)) === nameOf(this.splits.leafAt(b))
  }

  /** The leaf that holds a place. It must have been loaded. */
  leafOf(place: number): Leaf {
    const name = nameOf(this.splits.leafAt(place))
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
    if (this.listed === undefined) await this.open(seq)
    for (let level = 0; level <= DEPTH_MAX; level++) {
      const missing = new Map<number, Node>()
      for (const place of places) {
        const node = this.splits.leafAt(place)
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

  /** Reads the directory, and the root with it: a state without splits takes no request more. */
  private async open(seq: number): Promise<void> {
    const [directory, root] = await storeOf(this.group).get([keyOfDirectory(this.group), keyOf(this.group, ROOT)])
    this.group.host.services.metrics.add('BlocksRead', 1, 'Count')
    this.take(ROOT, root, seq)
    this.listed = readDirectory(directory, this.splits)
  }

  private async read(nodes: readonly Node[], seq: number): Promise<void> {
    const items = await storeOf(this.group).get(nodes.map((node) => keyOf(this.group, node)))
    this.group.host.services.metrics.add('BlocksRead', nodes.length, 'Count')
    for (const [i, node] of nodes.entries()) this.take(node, items[i], seq)
  }

  private take(node: Node, item: Item | undefined, seq: number): void {
    const levels = levelsOf(item)
    if (levels > 0) this.splits.add(node, levels)
    else this.hold(leafOf(node, item, seq))
  }

  private hold(leaf: Leaf): void {
    const name = nameOf(leaf)
    this.leafBytes += leaf.bytes - (this.leaves.get(name)?.bytes ?? 0)
    this.leaves.set(name, leaf)
  }

  private drop(leaf: Leaf): void {
    if (this.leaves.delete(nameOf(leaf))) this.leafBytes -= leaf.bytes
  }

  /**
   * Writes new states of keys into their leaves. All changes of a leaf must be given at once. Returns false if a leaf
   * has been split in the meantime: then its changes have to be written again.
   */
  async write(changes: Changes, asOf: number): Promise<boolean> {
    let isWhole = true
    for (const some of batches(changes)) if (!(await this.writeSome(some, asOf))) isWhole = false
    return isWhole
  }

  private async writeSome(changes: Changes, asOf: number): Promise<boolean> {
    const drafts = changes.map(([leaf, some]) => draftOf(this.group, leaf, some))
    const all = drafts.flatMap(({ blocks }) => blocks)
    const written = await putBlocks(this.group, all, asOf) // guard: children-first
    let at = 0
    const ready = new Set<Draft>()
    for (const draft of drafts) {
      if (!written.slice(at, at + draft.blocks.length).includes(false)) ready.add(draft)
      at += draft.blocks.length
    }
    const split = [...ready].filter(({ levels }) => levels > 0)
    const marked = split.length === 0 ? [] : await putBlocks(this.group, split.map(markerOf), asOf)
    for (const [i, draft] of split.entries()) if (!marked[i]) ready.delete(draft)
    for (const draft of drafts) this.keep(draft, ready.has(draft), asOf)
    return ready.size === drafts.length
  }

  /** Holds what has been written of a leaf, or drops the leaf: it is to be read again. */
  private keep({ leaf, levels, parts }: Draft, isWritten: boolean, asOf: number): void {
    this.drop(leaf)
    if (!isWritten) return // guard: split-seen
    if (levels > 0) this.splits.add(leaf, levels)
    for (const { depth, bits, records } of parts)
      this.hold({ depth, bits, asOf, isStored: true, records, bytes: heapOf(records) })
  }

  /** Stores the directory if there are enough splits that it does not name. */
  async list(): Promise<void> {
    const { size } = this.splits
    if (this.listed === undefined || size <= this.listed * DIRECTORY_GROWTH) return
    await writeDirectory(this.group, this.splits)
    this.listed = size
  }
}

/** Leaves that are written together. */
function* batches(changes: Changes): Generator<Changes> {
  let from = 0
  let bytes = 0
  for (const [i, [leaf]] of changes.entries()) {
    if (i - from === BLOCK_WRITES_AT_ONCE || (i > from && bytes + leaf.bytes > BLOCK_BYTES_AT_ONCE)) {
      yield changes.slice(from, i)
      from = i
      bytes = 0
    }
    bytes += leaf.bytes
  }
  if (from < changes.length) yield changes.slice(from)
}
