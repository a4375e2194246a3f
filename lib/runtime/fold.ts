import type { Place } from '../aggregate/index.js'
import { type Key, named, RecordRejection } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import { KeyTable, type Slot } from './key-table.js'
import { type SegmentEntries, storableKey } from './segment.js'
import { fieldOf } from './user-code.js'

/**
 * The key group of a hash. Key groups are equal, ordered ranges of the hash space, so key groups in order are hashes in
 * order.
 */
export function keyGroupOf(hash: number, keyGroups: number): number {
  return Math.floor((hash * keyGroups) / 0x1_0000_0000)
}

/** The lane of a key group. A lane holds several consecutive key groups, so lanes in order are hashes in order too. */
export function laneOf(keyGroup: number, { keyGroups, lanes }: Pick<OperatorPlan, 'keyGroups' | 'lanes'>): number {
  return Math.floor((keyGroup * lanes) / keyGroups)
}

/**
 * Decides whether a fold keeps a row of a chain. It leaves out the rows that another attempt's segment holds (invariant
 * 2).
 */
export type Refold = (lane: number, bucketEnd: number, position: string) => boolean

/**
 * The rows of one chunk for one operator, folded by key and slice. A row takes one lookup as long as its key stays in
 * the same slice. Each key is encoded and hashed once per chunk.
 */
export class OperatorFold {
  readonly operator: OperatorPlan
  cells = 0
  private readonly table = new KeyTable()
  /** The ends of the buckets that have entries; updated when a new cell is created. */
  private readonly buckets = new Set<number>()
  private readonly refold: Refold | undefined

  constructor(operator: OperatorPlan, refold?: Refold) {
    this.operator = operator
    this.refold = refold
  }

  slot(key: Key): Slot {
    try {
      return this.table.slot(key)
    } catch (thrown) {
      throw named(`The key of "${this.operator.name}"`, thrown)
    }
  }

  /** Adds a row whose own slice is open. `slice` is that slice's end. */
  add(slot: Slot, slice: number, inputs: readonly unknown[], weight: 1 | -1, place: Place): void {
    if (this.refold !== undefined && !this.wanted(slot, slice, place)) return
    if (slot.slice === slice) {
      this.into(slot.accs!, inputs, weight, place)
      return
    }
    let accs = slot.more?.get(slice)
    if (accs === undefined) {
      accs = this.fresh(slice, place)
      if (slot.accs === undefined) {
        slot.slice = slice
        slot.accs = accs
      } else {
        slot.more ??= new Map()
        slot.more.set(slice, accs)
      }
    }
    this.into(accs, inputs, weight, place)
  }

  /** Adds a row whose own slice has closed, but which still counts in some window. The slice of its turn carries it. */
  addLate(
    slot: Slot,
    carrier: number,
    own: number,
    first: number,
    inputs: readonly unknown[],
    weight: 1 | -1,
    place: Place,
  ): void {
    if (this.refold !== undefined && !this.wanted(slot, carrier, place)) return
    slot.lates ??= []
    let late = slot.lates.find((fold) => fold.carrier === carrier && fold.own === own && fold.first === first)
    if (late === undefined) {
      late = { carrier, own, first, accs: this.fresh(carrier, place) }
      slot.lates.push(late)
    }
    this.into(late.accs, inputs, weight, place)
  }

  private wanted(slot: Slot, slice: number, place: Place): boolean {
    const { slices } = this.operator
    return this.refold!(this.lane(slot), slices.bucketEnd(slice), place.position)
  }

  /** The largest number of segments that may have to be written for this fold. */
  get segmentsMost(): number {
    return this.buckets.size * this.operator.lanes
  }

  private fresh(slice: number, place: Place): any[] {
    this.cells++
    this.buckets.add(this.operator.slices.bucketEnd(slice))
    return this.operator.folds.map((fold, i) => {
      try {
        return fold.create()
      } catch (thrown) {
        throw this.spoilt(i, place, thrown)
      }
    })
  }

  private into(accs: any[], inputs: readonly unknown[], weight: 1 | -1, place: Place): void {
    const { folds } = this.operator
    for (let i = 0; i < folds.length; i++) {
      const input = inputs[i]
      if (input === undefined) continue
      const fold = folds[i]!
      if (!fold.fragile) accs[i] = fold.add(accs[i], input, weight, place)
      else
        try {
          accs[i] = fold.add(accs[i], input, weight, place)
        } catch (thrown) {
          throw this.spoilt(i, place, thrown)
        }
    }
  }

  private spoilt(i: number, place: Place, thrown: unknown): FragileFold {
    return new FragileFold(place.position, named(fieldOf(this.operator, i), thrown).message)
  }

  private lane({ hash }: Slot): number {
    return laneOf(keyGroupOf(hash, this.operator.keyGroups), this.operator)
  }

  /** Packs what was folded, per lane and bucket, in the order in which the keys were first seen. */
  entries(): SegmentEntries[] {
    const { slices, folds } = this.operator
    const drafts: SegmentEntries[] = []
    /** By slice, then by lane. The slices of one bucket share their drafts. */
    const bySlice = new Map<number, SegmentEntries[]>()
    const byBucket = new Map<number, SegmentEntries[]>()
    const draft = (lane: number, slice: number): SegmentEntries => {
      let lanes = bySlice.get(slice)
      if (lanes === undefined) {
        const bucketEnd = slices.bucketEnd(slice)
        lanes = byBucket.get(bucketEnd) ?? []
        byBucket.set(bucketEnd, lanes)
        bySlice.set(slice, lanes)
      }
      let found = lanes[lane]
      if (found === undefined) {
        found = { lane, bucketEnd: slices.bucketEnd(slice), slices: new Map(), lates: [], count: 0 }
        lanes[lane] = found
        drafts.push(found)
      }
      found.count++
      return found
    }
    const encoded = (accs: readonly any[], row: unknown[]): void => {
      for (let i = 0; i < folds.length; i++) row.push(folds[i]!.encode(accs[i]))
    }
    const cell = (slot: Slot, lane: number, slice: number, accs: readonly any[]): void => {
      const rows = draft(lane, slice).slices
      let row = rows.get(slice)
      if (row === undefined) {
        row = [slice]
        rows.set(slice, row)
      }
      row.push(storableKey(slot.key, slot.text))
      encoded(accs, row)
    }
    for (const slot of this.table.slots) {
      const lane = this.lane(slot)
      if (slot.accs !== undefined) cell(slot, lane, slot.slice, slot.accs)
      if (slot.more !== undefined) for (const [slice, accs] of slot.more) cell(slot, lane, slice, accs)
      if (slot.lates === undefined) continue
      for (const late of slot.lates) {
        const row: unknown[] = [late.carrier, late.own, late.first, storableKey(slot.key, slot.text)]
        encoded(late.accs, row)
        draft(lane, late.carrier).lates.push(row)
      }
    }
    return drafts
  }
}

/**
 * A custom fold threw half-way and may have corrupted its accumulator. What was folded is discarded and folded again
 * without this record.
 */
export class FragileFold extends RecordRejection {
  readonly position: string
  constructor(position: string, detail: string) {
    super('step-threw', detail)
    this.position = position
  }
}
