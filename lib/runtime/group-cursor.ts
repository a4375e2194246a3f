import { assert, CLAIM_MS_MAX, CLOCK_BOUND_MS, TIME_MIN } from '../base/index.js'
import type { Item, ItemKey } from '../ports/index.js'
import { readCursor } from './cursor.js'
import type { Host } from './host.js'
import { checkSeal, sealOf } from './seal.js'
import { addCounters, type Counters, noCounters, readCounters, writeCounters } from './split-item.js'

/** The attributes of a key group's item before any of its slices is done. */
export const freshCursor = () => ({ cursor: '', cursorSeal: cursorSeal('', undefined, undefined) })

const cursorSeal = (
  text: string,
  at: string | undefined,
  counters: string | undefined,
  seq = 0,
  waits = TIME_MIN,
): number => {
  const seal = counters === undefined ? sealOf('cursor', text, at) : sealOf('cursor', text, at, counters)
  return seq === 0 && waits === TIME_MIN ? seal : sealOf(String(seal), seq, waits)
}

const baseSeal = (base: number, floor: number): number => sealOf('base', base, floor)

/**
 * The counters of a key group's results, if these go only to sinks. The steps after the operator are then counted here,
 * together with the cursor.
 */
export function resultCounters({ counters }: Item): Counters {
  return counters === undefined ? noCounters(0) : readCounters(JSON.parse(counters as string))
}

/** The last event time at which a timer of the key group may give rows, ms. */
export const waitsOf = ({ waits }: Item): number => (waits as number | undefined) ?? TIME_MIN

/**
 * The item of a key group as one attempt sees it: how far the group is done, and which attempt works on it. The cursor
 * moves only from where it was read (invariant 8).
 */
export class GroupCursor {
  text = ''
  /** The key at the cursor, if more keys with the same hash follow. */
  at: string | undefined
  /** Keyed state: the number of the last slot, and of the last one that has been folded into blocks. */
  seq = 0
  base = 0
  /** Keyed state: wakes that begin before this time have been used. */
  floor = TIME_MIN
  /** Keyed state: the last event time at which a timer may give rows, ms. */
  waits = TIME_MIN
  private counters = noCounters(0)
  private readonly host: Host
  private readonly key: ItemKey
  /** When the claim in the table expires. */
  private until: number | undefined
  /** When this attempt's claim expires. */
  private claimedUntil = 0

  constructor(host: Host, key: ItemKey) {
    this.host = host
    this.key = key
  }

  get place(): ReturnType<typeof readCursor> {
    return readCursor(this.text)
  }

  read(item: Item): void {
    this.text = item.cursor as string
    this.at = item.at as string | undefined
    this.until = item.until as number | undefined
    this.seq = (item.seq as number | undefined) ?? 0
    this.base = (item.base as number | undefined) ?? 0
    this.floor = (item.floor as number | undefined) ?? TIME_MIN
    this.waits = waitsOf(item)
    // guard: base-seal
    if (item.base !== undefined) checkSeal(item, 'baseSeal', baseSeal(this.base, this.floor), 'the base of keyed state')
    const seal = cursorSeal(this.text, this.at, item.counters as string | undefined, this.seq, this.waits)
    // guard: cursor-seal
    checkSeal(item, 'cursorSeal', seal, 'the cursor of a key group')
    this.counters = resultCounters(item)
  }

  /**
   * Claims the key group. Until the claim expires, no other attempt starts on it. The claim is an optimization and is
   * not needed for correctness. A claim by a clock that is far ahead is not valid.
   */
  async claim(): Promise<boolean> {
    const { store, clock, timeoutMs } = this.host.services
    const now = clock.now()
    const { until } = this
    if (until !== undefined && until > now && until < now + CLAIM_MS_MAX + CLOCK_BOUND_MS) return false // guard: claim-until
    this.claimedUntil = now + timeoutMs
    const verdict = await store.update({
      key: this.key,
      set: { until: this.claimedUntil },
      when: [
        { attribute: 'cursor', is: 'equal', value: this.text }, // guard: claim-cursor
        until === undefined
          ? { attribute: 'until', is: 'absent' } // guard: claim-first
          : { attribute: 'until', is: 'equal', value: until }, // guard: claim-as-read
      ],
    })
    return verdict.applied
  }

  async unclaim(): Promise<void> {
    await this.host.services.store.update({
      key: this.key,
      set: { until: 0 },
      when: [
        { attribute: 'cursor', is: 'equal', value: this.text }, // guard: release-cursor
        { attribute: 'until', is: 'equal', value: this.claimedUntil }, // guard: release-own
      ],
    })
  }

  /**
   * Moves the cursor to a text, and to the key at that place. The last move releases the claim; all other moves extend
   * it. `counted` are the counters of the results that were emitted for the move, if these go only to sinks. `seq` is
   * the number of the slot that was written for the move, if any.
   */
  async move(
    to: string,
    at: string | undefined,
    isLast: boolean,
    counted?: Counters,
    seq = this.seq,
    waits = this.waits,
  ): Promise<boolean> {
    const { store, clock, timeoutMs } = this.host.services
    // If a move did not move the cursor forward, closing would loop forever.
    assert(to > this.text, `the cursor of ${this.key.pk} grows (invariant 9): from ${this.text} to ${to}`)
    this.claimedUntil = isLast ? 0 : clock.now() + timeoutMs
    const counters = counted === undefined ? this.counters : addCounters(this.counters, counted)
    const written = counters.in === 0 ? undefined : writeCounters(counters)
    const verdict = await store.update({
      key: this.key,
      set: {
        cursor: to,
        cursorSeal: cursorSeal(to, at, written, seq, waits),
        ...(seq > 0 && { seq }),
        ...(waits > TIME_MIN && { waits }),
        ...(written !== undefined && { counters: written }),
        until: this.claimedUntil,
        ...(at !== undefined && { at }),
      },
      ...(at === undefined && this.at !== undefined && { remove: ['at'] }),
      when: [{ attribute: 'cursor', is: 'equal', value: this.text }], // guard: cursor-as-read
    })
    if (!verdict.applied) return false
    this.text = to
    this.at = at
    this.seq = seq
    this.waits = waits
    this.counters = counters
    return true
  }

  /** Notes that the slots up to `to` have been folded into blocks, if none have been since `from`. */
  async moveBase(from: number, to: number, floor: number): Promise<boolean> {
    const verdict = await this.host.services.store.update({
      key: this.key,
      set: { base: to, floor, baseSeal: baseSeal(to, floor) },
      when: [from === 0 ? { attribute: 'base', is: 'absent' } : { attribute: 'base', is: 'equal', value: from }], // guard: base-as-read
    })
    if (!verdict.applied) return false
    this.base = to
    this.floor = floor
    return true
  }
}
