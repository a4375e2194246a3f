import { SPLIT_ITEM_BYTES_MAX, TIME_MIN } from '../base/index.js'
import type { Attribute, Condition, Item } from '../ports/index.js'
import { START } from './keys.js'
import { checkSeal, sealOf } from './seal.js'

/** Invariant 5. While a split is `parting`, `was` holds its previous status. */
export type SplitStatus = 'joining' | 'member' | 'parting' | 'out' | 'ended'

/** A split as its item stores it. Times are in ms; TIME_MIN means "none yet". */
export interface SplitState {
  readonly name: string
  readonly position: string
  /** The own watermark: the highest event time so far minus the bound. */
  readonly own: number
  /** The highest event time so far. */
  readonly top: number
  readonly gate: number
  readonly status: SplitStatus
  readonly was: SplitStatus
  readonly epoch: number
  readonly parents: readonly string[]
  readonly tails: Tails
  readonly counters: Counters
  /** Tails and counters as they are stored. */
  readonly written: readonly [tails: string, counters: string]
  /** The record directly after this position is rejected (invariant 14). */
  readonly skip: string
  /**
   * Records up to the position `limitTo` whose arrival time is not known may have timestamps up to `limit`, in ms. The
   * limit is the clock's time, plus the allowed drift, when the first record was found that was far ahead of all
   * previous ones. It is stored, so that every attempt decides alike.
   */
  readonly limit: number
  readonly limitTo: string
  /** Why no more of its records are accepted: its log does not continue after its position. Empty if it does. */
  readonly stopped: string
  readonly stoppedAt: number
  /**
   * The position at which the user accepted that the records before the next one are deleted (`millrace splits reset`).
   */
  readonly accepted: string
  /** If its log was recreated: its original id at the source, and how often the log has been recreated. */
  readonly origin: string
  readonly generation: number
  /** The id of the split that replaced it when its log was recreated. */
  readonly next: string
  /** The source did not list the split when it was last asked. */
  readonly missing: boolean
  /** When the source last reported that nothing waits. Any record after the position is newer than this time. */
  readonly empty: number
  /** The end of the log at that time, if it is beyond the position. There is no record in between. */
  readonly emptyTo: string
  /** When the broker received the last record that was counted, if the broker states it. */
  readonly arrived: number
  /** When an attempt last wrote the split, by the wall clock. */
  readonly at: number
}

/** Hints: the position up to which each chain reaches (invariant 2). The key is `operator.lane.bucketEnd`. */
export type Tails = ReadonlyMap<string, string>

export const chainName = (operator: number, lane: number, bucketEnd: number): string =>
  `${operator}.${lane}.${bucketEnd.toString(36)}`
export const chainBucket = (chain: string): number => Number.parseInt(chain.slice(chain.lastIndexOf('.') + 1), 36)

/** Invariant 10: absolute values. `operators` holds rows by operator, in the order of the stage. */
export interface Counters {
  in: number
  rejected: number
  filtered: number
  passed: number
  repeats: number
  /** Of the accepted records: those whose timestamp is so far ahead that it does not advance event time fully. */
  held: number
  /** Of the accepted records: those with a timestamp before `minTime`, or far behind the split. */
  unlikely: number
  /** Of the filtered records: those without a value, which no step has seen. */
  empty: number
  /** By counted step after the input, see `countedSteps` of the plan. Trailing zeros are left out. */
  steps: number[]
  /**
   * By operator, counted in pairs of (row, window). `outside` counts rows that are in no window, if windows have gaps.
   */
  operators: { counted: number; late: number; expired: number; outside: number }[]
}

export function noCounters(operators: number): Counters {
  return {
    in: 0,
    rejected: 0,
    filtered: 0,
    passed: 0,
    repeats: 0,
    held: 0,
    unlikely: 0,
    empty: 0,
    steps: [],
    operators: Array.from({ length: operators }, () => ({ counted: 0, late: 0, expired: 0, outside: 0 })),
  }
}

export function addCounters(a: Counters, b: Counters): Counters {
  return {
    in: a.in + b.in,
    rejected: a.rejected + b.rejected,
    filtered: a.filtered + b.filtered,
    passed: a.passed + b.passed,
    repeats: a.repeats + b.repeats,
    held: a.held + b.held,
    unlikely: a.unlikely + b.unlikely,
    empty: a.empty + b.empty,
    steps: (a.steps.length > b.steps.length ? a : b).steps.map((_, i) => (a.steps[i] ?? 0) + (b.steps[i] ?? 0)),
    operators: b.operators.map((rows, i) => {
      const before = a.operators[i] ?? { counted: 0, late: 0, expired: 0, outside: 0 }
      return {
        counted: before.counted + rows.counted,
        late: before.late + rows.late,
        expired: before.expired + rows.expired,
        outside: before.outside + rows.outside,
      }
    }),
  }
}

/** The effective watermark. It classifies records, and the stage's minimum is taken over it (invariants 1, 4). */
export function effective(split: Pick<SplitState, 'own' | 'gate'>): number {
  return Math.max(split.own, split.gate)
}

/** The conditions that nothing was counted for a split, and that its membership did not change, since it was read. */
export function asRead({ position, epoch }: SplitState): Condition[] {
  return [
    { attribute: 'position', is: 'equal', value: position }, // guard: as-read-position
    { attribute: 'epoch', is: 'equal', value: epoch }, // guard: as-read-epoch
  ]
}

/** The status that a split counts with in the minimum. A parting split still counts with its previous status. */
export function standing(split: SplitState): SplitStatus {
  return split.status === 'parting' ? split.was : split.status
}

/** Whether a split no longer holds back the watermark of its stage. */
export function hasLeft(split: SplitState): boolean {
  const status = standing(split)
  return status === 'out' || status === 'ended'
}

/** The attributes of a split that was never written. As `joining` it holds the watermark back until it has a gate. */
export function freshSplit(
  name: string,
  start: string,
  parents: readonly string[],
  now: number,
  status: SplitStatus = 'joining',
  origin = '',
  generation = 0,
): Record<string, Attribute> {
  const progress = { position: start, own: TIME_MIN, top: TIME_MIN }
  const membership = {
    status,
    was: 'joining',
    gate: TIME_MIN,
    epoch: 1,
    origin,
    generation,
    next: '',
  } as const
  return {
    position: start,
    start,
    status,
    epoch: 1,
    gate: TIME_MIN,
    at: now,
    ...(parents.length > 0 && { parents: writeParents(parents) }),
    ...(origin !== '' && { origin, generation }),
    progressSeal: progressSeal(name, progress, '', ''),
    memberSeal: memberSeal(name, membership, writeParents(parents)),
  }
}

function writeParents(parents: readonly string[]): string {
  return parents.length === 0 ? '' : JSON.stringify(parents)
}

/** The seal of what a checkpoint writes: position, watermarks, tails and counters, as stored. */
export function progressSeal(
  name: string,
  { position, own, top }: Pick<SplitState, 'position' | 'own' | 'top'>,
  tails: string,
  counters: string,
): number {
  return sealOf(name, position, own, top, tails, counters)
}

const emptySeal = (name: string, emptyTo: string): number => sealOf(name, 'empty', emptyTo)

/**
 * The attributes for a source's report that nothing waits after a split's position, up to the end of its log at that
 * time.
 */
export function foundEmpty({ name, position }: SplitState, asked: number, end: string | undefined) {
  const isBeyond = end !== undefined && end > position
  return { empty: asked, ...(isBeyond && { emptyTo: end, emptySeal: emptySeal(name, end) }) }
}

type Membership = Pick<SplitState, 'status' | 'was' | 'gate' | 'epoch' | 'origin' | 'generation' | 'next'>

/** The seal of the attributes that `membership` changes, as stored. */
export function memberSeal(
  name: string,
  { status, was, gate, epoch, origin, generation, next }: Membership,
  parents: string,
): number {
  return sealOf(name, status, was, gate, epoch, origin, generation, next, parents)
}

/** A change of a split's membership, based on what was read. Every change raises the epoch (invariant 5). */
export function change(seen: SplitState, to: Partial<Membership>): Record<string, Attribute> {
  const after = { ...to, epoch: to.epoch ?? seen.epoch + 1 }
  return { ...after, memberSeal: memberSeal(seen.name, { ...seen, ...after }, writeParents(seen.parents)) }
}

/** The attributes of a split whose log was recreated, before any of it is read. */
export function freshSuccessor(name: string, origin: string, generation: number, now: number) {
  return freshSplit(name, START, [], now, 'joining', origin, generation)
}

/** The origin and the generation of a split's successor, parsed from the id in its `next`. */
export function successorOf(next: string): { readonly origin: string; readonly generation: number } {
  const cut = next.lastIndexOf('@')
  return { origin: next.slice(0, cut), generation: Number(next.slice(cut + 1)) }
}

/** @throws {StopError} `damaged-state` if an attribute is not what Millrace wrote */
export function readSplit(item: Item, operators: number): SplitState {
  const number = (name: string): number => (item[name] as number | undefined) ?? TIME_MIN
  const text = (name: string): string => (item[name] as string | undefined) ?? ''
  const name = item.sk.slice(2)
  const progress = { position: text('position') || START, own: number('own'), top: number('top') }
  const membership = {
    status: text('status') as SplitStatus,
    was: (text('was') || 'joining') as SplitStatus,
    gate: number('gate'),
    epoch: item.epoch as number,
    origin: text('origin'),
    generation: (item.generation as number | undefined) ?? 0,
    next: text('next'),
  }
  const [tails, counters, parents] = [text('tails'), text('counters'), text('parents')]
  checkSeal(item, 'progressSeal', progressSeal(name, progress, tails, counters), 'a split')
  checkSeal(item, 'memberSeal', memberSeal(name, membership, parents), 'a split')
  const [limit, limitTo] = [number('limit'), text('limitTo')]
  if (limitTo !== '') checkSeal(item, 'limitSeal', sealOf(name, limit, limitTo), 'a split') // guard: limit-seal
  const emptyTo = text('emptyTo')
  if (emptyTo !== '') checkSeal(item, 'emptySeal', emptySeal(name, emptyTo), 'a split') // guard: empty-seal
  return {
    name,
    ...progress,
    ...membership,
    parents: parents === '' ? [] : JSON.parse(parents),
    tails: readTails(tails),
    counters: counters === '' ? noCounters(operators) : readCounters(JSON.parse(counters)),
    written: [tails, counters],
    skip: text('skip'),
    limit,
    limitTo,
    empty: number('empty'),
    emptyTo,
    missing: item.missing !== undefined,
    stopped: text('stopped'),
    stoppedAt: number('stoppedAt'),
    accepted: text('accepted'),
    arrived: number('arrived'),
    at: number('at'),
  }
}

export function readCounters([all, ...operators]: number[][]): Counters {
  const [taken = 0, rejected = 0, filtered = 0, passed = 0, repeats = 0, held = 0, unlikely = 0, empty = 0, ...steps] =
    all as number[]
  return {
    in: taken,
    rejected,
    filtered,
    passed,
    repeats,
    held,
    unlikely,
    empty,
    steps,
    operators: operators.map((rows) => ({
      counted: rows[0]!,
      late: rows[1]!,
      expired: rows[2]!,
      outside: rows[3] ?? 0,
    })),
  }
}

/** Counters that are rarely used are left out while they are zero, so that the item stays within one write unit. */
export function writeCounters(c: Counters): string {
  const taken = [c.in, c.rejected, c.filtered, c.passed, c.repeats, c.held, c.unlikely, c.empty, ...c.steps]
  while (taken.length > 5 && taken.at(-1) === 0) taken.pop()
  return JSON.stringify([
    taken,
    ...c.operators.map((o) => [o.counted, o.late, o.expired, ...(o.outside > 0 ? [o.outside] : [])]),
  ])
}

/** The format is `position|chain,chain;position|chain`: the chains of one batch share a position. */
function readTails(text: string): Map<string, string> {
  const tails = new Map<string, string>()
  for (const group of text === '' ? [] : text.split(';')) {
    const [position, chains] = group.split('|') as [string, string]
    for (const chain of chains.split(',')) tails.set(chain, position)
  }
  return tails
}

/**
 * Writes as many tails as leave the item within one write unit, newest positions first. Tails are hints: a missing one
 * costs a query.
 */
export function writeTails(tails: Tails, otherBytes: number): string {
  const room = SPLIT_ITEM_BYTES_MAX - otherBytes - 'tails'.length
  const newest = [...tails].sort((a, b) => (a[1] < b[1] ? 1 : a[1] > b[1] ? -1 : 0))
  let text = ''
  let position = ''
  for (const [chain, to] of newest) {
    const piece = to === position ? `,${chain}` : `${text === '' ? '' : ';'}${to}|${chain}`
    if (text.length + piece.length > room) break
    text += piece
    position = to
  }
  return text
}
