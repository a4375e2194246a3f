import { encodeKey, hash32, type Key, type KeyPart } from '../base/index.js'

/** A key found in a chunk. It is encoded and hashed once, however many records have it. */
export class Slot {
  readonly key: Key
  readonly text: string
  readonly hash: number
  /** The first slice of the key, stored inline: most keys of a batch have one or two slices. */
  slice = Number.NaN
  accs: any[] | undefined
  /** The key's other slices. */
  more: Map<number, any[]> | undefined
  lates: LateFold[] | undefined

  constructor(key: Key, text: string) {
    this.key = key
    this.text = text
    this.hash = hash32(text)
  }
}

/**
 * A fold of rows whose own slice had closed. The slice of their turn carries it. It is tagged with the rows' own slice
 * and with the first window in which they count.
 */
export interface LateFold {
  readonly carrier: number
  readonly own: number
  readonly first: number
  readonly accs: any[]
}

/**
 * Finds the slot of a key without building a text: primitives by value, tuples by a trie of maps. Maps treat NaN as
 * equal to NaN, and -0 as equal to 0. NaN is refused when the key is encoded.
 */
export class KeyTable {
  readonly slots: Slot[] = []
  private readonly primitives = new Map<KeyPart, Slot>()
  private readonly tuples: TupleNode = { slot: undefined, next: undefined }

  slot(key: Key): Slot {
    if (typeof key === 'object' && key !== null) return this.tupleSlot(key as readonly KeyPart[])
    let slot = this.primitives.get(key as KeyPart)
    if (slot === undefined) {
      slot = this.make(key)
      this.primitives.set(key as KeyPart, slot)
    }
    return slot
  }

  private tupleSlot(key: readonly KeyPart[]): Slot {
    let node = this.tuples
    // encodeKey refuses anything that is not a tuple of primitives before it is stored.
    if (!Array.isArray(key)) encodeKey(key)
    for (const part of key) {
      node.next ??= new Map()
      let next = node.next.get(part)
      if (next === undefined) {
        next = { slot: undefined, next: undefined }
        node.next.set(part, next)
      }
      node = next
    }
    node.slot ??= this.make(Object.freeze([...key]))
    return node.slot
  }

  private make(key: Key): Slot {
    const slot = new Slot(key, encodeKey(key))
    this.slots.push(slot)
    return slot
  }
}

interface TupleNode {
  slot: Slot | undefined
  next: Map<KeyPart, TupleNode> | undefined
}
