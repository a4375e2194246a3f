import { firstBits } from './group.js'

/** A node of the trie over the places of keys: those that begin with the same `depth` bits. */
export interface Node {
  readonly depth: number
  readonly bits: number
}

export const ROOT: Node = { depth: 0, bits: 0 }
/** The heap of a split, in a map from numbers to numbers. */
const SPLIT_BYTES = 64
/** The bits of a node in the text of the splits: levels are at most 10. */
const LEVEL_BITS = 4
const LEVEL_MASK = 2 ** LEVEL_BITS - 1

export const nameOf = ({ depth, bits }: Node): number => depth * 0x1_0000_0000 + bits

/** The number of each child of a node that is split into nodes some levels below. */
export const childOf = ({ depth, bits }: Node, levels: number, n: number): Node => ({
  depth: depth + levels,
  bits: (bits * 2 ** levels + n) >>> 0,
})

/** The nodes of a trie that are known to be split, with the levels down to their children. A split is for good. */
export class Splits {
  private readonly levels = new Map<number, number>()

  get size(): number {
    return this.levels.size
  }

  /** Heap, about. */
  get bytes(): number {
    return this.levels.size * SPLIT_BYTES
  }

  add(node: Node, levels: number): void {
    this.levels.set(nameOf(node), levels)
  }

  clear(): void {
    this.levels.clear()
  }

  /** The leaf that a place is in, as far as the splits are known. */
  leafAt(place: number): Node {
    let depth = 0
    for (;;) {
      const node = { depth, bits: firstBits(place, depth) }
      const levels = this.levels.get(nameOf(node))
      if (levels === undefined) return node
      depth += levels
    }
  }

  /**
   * The levels of all nodes, half a byte each, from the root on and level by level. What does not fit is left out: the
   * deepest splits.
   */
  encode(bytesMax: number): Buffer {
    const bytes = Buffer.alloc(Math.min(bytesMax, 1 + this.nodes()))
    let used = 0
    const nodes: Node[] = [ROOT]
    for (let i = 0; i < nodes.length && i < 2 * bytes.length; i++) {
      const node = nodes[i]!
      const levels = this.levels.get(nameOf(node))
      if (levels === undefined) continue
      used = 1 + (i >> 1)
      bytes[i >> 1]! |= levels << (LEVEL_BITS * (i & 1))
      for (let n = 0; n < 2 ** levels; n++) nodes.push(childOf(node, levels, n))
    }
    return bytes.subarray(0, used)
  }

  /** Takes over the splits of such bytes. */
  decode(bytes: Uint8Array): void {
    const nodes: Node[] = [ROOT]
    for (let i = 0; i < nodes.length && i < 2 * bytes.length; i++) {
      const levels = (bytes[i >> 1]! >> (LEVEL_BITS * (i & 1))) & LEVEL_MASK
      if (levels === 0) continue
      this.add(nodes[i]!, levels)
      for (let n = 0; n < 2 ** levels; n++) nodes.push(childOf(nodes[i]!, levels, n))
    }
  }

  /** The number of nodes below the root. */
  private nodes(): number {
    let nodes = 0
    for (const levels of this.levels.values()) nodes += 2 ** levels
    return nodes
  }
}
