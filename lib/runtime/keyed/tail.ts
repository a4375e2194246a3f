import { StopError } from '../../base/index.js'
import type { Item, ItemKey } from '../../ports/index.js'
import { slotKey } from '../keys.js'
import { checkSeal, sealOf } from '../seal.js'
import { Behind, type StateGroup, storeOf } from './group.js'
import { decodeRecords, encodeRecords, type KeyRecord, recordAttributes } from './key-record.js'

/** The changes of one settlement of a key group. `from` and `to` are cursors. */
export interface Slot {
  readonly seq: number
  readonly from: string
  readonly to: string
  /** The key at the cursor `to`, if more keys with its hash follow. */
  readonly at: string | undefined
  /** The counters of the results of the settlement, as stored; empty if they are counted elsewhere. */
  readonly counted: string
  /** The last event time at which a timer may give rows, ms. */
  readonly waits: number
  readonly records: readonly KeyRecord[]
  readonly bytes: number
}

const keyOf = ({ host, operator, keyGroup }: StateGroup, seq: number): ItemKey =>
  slotKey(host.prefix, operator, keyGroup, seq % host.limits.stateSlots)

const slotSeal = (
  { sk }: ItemKey,
  { seq, from, to, at, counted, waits }: Pick<Slot, 'seq' | 'from' | 'to' | 'at' | 'counted' | 'waits'>,
  sum: number,
): number => sealOf(sk, seq, from, to, at, counted, waits, sum)

/**
 * Reads the slots (base, seq], and the one after them if an attempt has written it already.
 * @throws {Behind} if a slot was written again in the meantime
 */
export async function readSlots(
  group: StateGroup,
  base: number,
  seq: number,
): Promise<{ slots: readonly Slot[]; next: Slot | undefined }> {
  const keys: ItemKey[] = []
  for (let n = base + 1; n <= seq + 1; n++) keys.push(keyOf(group, n))
  const items = await storeOf(group).get(keys)
  const slots: Slot[] = []
  for (const [i, item] of items.entries()) {
    const expected = base + 1 + i
    if (expected > seq) return { slots, next: item?.seq === expected ? readSlot(item) : undefined }
    if (item === undefined)
      throw new StopError(
        'lost-state',
        `The slot ${keys[i]!.pk} ${keys[i]!.sk} is missing: it holds changes of keyed state. Restore the table, or open a new run.`,
      )
    if (item.seq !== expected) throw new Behind() // guard: slot-as-read
    slots.push(readSlot(item))
  }
  return { slots, next: undefined }
}

function readSlot(item: Item): Slot {
  const slot = {
    seq: item.seq as number,
    from: item.from as string,
    to: item.to as string,
    at: item.at as string | undefined,
    counted: item.counted as string,
    waits: item.waits as number,
  }
  checkSeal(item, 'seal', slotSeal(item, slot, item.sum as number), 'a slot of keyed state')
  return { ...slot, records: decodeRecords(item, 'slot'), bytes: (item.data as Uint8Array).length }
}

/**
 * Writes the changes of a settlement. `dead` is a slot of the same number that an attempt wrote from an earlier cursor.
 * The cursor has moved on from there, so no attempt can use that slot. Returns the bytes that were stored.
 * @throws {Behind} if another attempt was first
 */
export async function writeSlot(group: StateGroup, slot: Omit<Slot, 'bytes'>, dead: Slot | undefined): Promise<number> {
  const key = keyOf(group, slot.seq)
  const { records, at, ...head } = slot
  const payload = recordAttributes(encodeRecords(records), records.length)
  const attributes = {
    ...head,
    ...payload,
    ...(at !== undefined && { at }),
    seal: slotSeal(key, slot, payload.sum as number),
  }
  const bytes = (payload.data as Uint8Array).length
  const store = storeOf(group)
  const { stateSlots } = group.host.limits
  if (slot.seq <= stateSlots && dead === undefined) {
    // guard: slot-once
    const [verdict] = await store.insert([{ ...key, ...attributes }])
    if (verdict === 'exists') throw new Behind()
    return bytes
  }
  const verdict = await store.update({
    key,
    set: attributes,
    ...(at === undefined && { remove: ['at'] }),
    when: [
      { attribute: 'seq', is: 'equal', value: dead?.seq ?? slot.seq - stateSlots }, // guard: slot-older
      ...(dead === undefined ? [] : [{ attribute: 'from', is: 'equal', value: dead.from } as const]), // guard: slot-dead
    ],
  })
  if (!verdict.applied) throw new Behind()
  return bytes
}
