import { hex8, sortable, TIME_MAX } from '../../base/index.js'
import type { StepOf } from '../../keyed/index.js'
import type { OperatorPlan, WindowResult } from '../../pipeline/index.js'
import type { Cursor } from '../cursor.js'
import { Emission, type FailedEmission, rejectedRow } from '../emission.js'
import { inOrder, type KeyPlace } from '../key-order.js'
import { isDone } from '../key-range.js'
import type { PartPlace } from '../parts.js'
import type { Cell } from '../segment.js'
import type { SliceCache } from '../slice-cache.js'
import type { StateGroup } from './group.js'
import { bytesOf, type KeyRecord } from './key-record.js'
import type { KeyedState } from './keyed-state.js'

/** The output of some keys of one slice, in the order of their hashes, with the changes of their state. */
export interface KeyedPart extends PartPlace {
  readonly emissions: readonly Emission[]
  readonly failed: readonly FailedEmission[]
  readonly changes: readonly KeyRecord[]
  readonly chars: number
  /** The last event time at which a timer of these keys may give rows, ms. */
  readonly waits: number
}

/** A key that may have rows in a slice, or work without rows. Without a text, it stands for all keys with its hash. */
interface Candidate extends KeyPlace {
  readonly cell: Cell | undefined
}

/** A key that has rows in a slice, or work without rows, with its state before the slice. */
interface Work extends KeyPlace {
  readonly key: Cell['key']
  readonly cell: Cell | undefined
  readonly record: KeyRecord | undefined
}

/** Which slices of a key group close with rows of `cache`, and what they give (invariant 7). */
export class KeyedClosing {
  private readonly group: StateGroup
  private readonly operator: OperatorPlan
  private readonly step: StepOf
  private readonly state: KeyedState
  private readonly cache: SliceCache
  /** The slices with rows, ascending. */
  private readonly ends: readonly number[]
  private readonly upTo: number

  constructor(group: StateGroup, step: StepOf, state: KeyedState, cache: SliceCache, after: number, upTo: number) {
    this.group = group
    this.operator = group.operator
    this.step = step
    this.state = state
    this.cache = cache
    this.ends = [...cache.slices.keys()].filter((end) => end > after && end <= upTo).sort((a, b) => a - b)
    this.upTo = upTo
  }

  /** The first slice after this one in which a key has rows, or work without rows. */
  async next(after: number): Promise<number | undefined> {
    await this.state.wakeUp(after, this.upTo)
    const withRows = this.ends.find((end) => end > after) ?? TIME_MAX + 1
    const first = Math.min(withRows, this.state.next(after) ?? TIME_MAX + 1)
    return first <= this.upTo ? first : undefined
  }

  /**
   * The parts of a slice that are not done yet. `text` is the key at the cursor, if more keys with its hash follow.
   * With `upper`, only the keys before it. A part ends when it has as many keys, rows or changes as one may have: all
   * of that depends on the rows and the state alone, so every attempt makes the same parts.
   */
  async *parts(slice: number, from: Cursor, text: string | undefined, upper?: KeyPlace): AsyncGenerator<KeyedPart> {
    const isWithin = slice === from.slice && from.hash !== undefined
    let work: Work | undefined
    let part: PartDraft | undefined
    let rank = -1
    for await (const works of this.works(slice, isWithin ? from : undefined, text, upper)) {
      for (const next of works) {
        if (work === undefined) {
          const isAfter = isWithin && from.rank !== undefined && next.hash === from.hash
          rank = isAfter ? from.rank + 1 : 0
        } else {
          part = this.into(part, slice, work, rank)
          const isSame = next.hash === work.hash
          if (part.isFull) {
            yield part.ended(work, rank, isSame, false)
            part = undefined
          }
          rank = isSame ? rank + 1 : 0
        }
        work = next
      }
    }
    if (work === undefined) return
    yield this.into(part, slice, work, rank).ended(work, rank, false, true)
  }

  /** Processes a key and adds what it gives to the part, or to a new one that begins with it. */
  private into(part: PartDraft | undefined, slice: number, work: Work, rank: number): PartDraft {
    const { operator } = this
    const into = part ?? new PartDraft(this.group, slice, work.hash, rank)
    const { record, key, text, hash } = work
    const result = this.step({
      key,
      text,
      start: slice - operator.slices.widthMs,
      end: slice,
      entries: work.cell?.accs[0],
      state: () => (record === undefined ? undefined : JSON.parse(record.state)),
    })
    let n = 0
    for (const { value: row, timestamp, id, takesBack, replaced } of result.outputs) {
      const emitted = { row, key, timestamp, id: `${operator.name}|${text}|${id}` }
      const weight = takesBack === true ? -1 : 1
      const emission = new Emission(operator, slice, into.name, { hash, rank, n: n++ }, weight, emitted)
      if (replaced !== undefined) emission.stood = () => replaced as WindowResult<any, any>
      into.emissions.push(emission)
    }
    for (const rejection of result.rejected) {
      const sink = rejection.reason === 'expired' ? operator.late : undefined
      into.failed.push({ row: rejectedRow(operator, key, text, rejection), part: into.name, sink })
    }
    const { state = '', due, waits } = result
    if (state !== (record?.state ?? '') || due !== record?.due)
      into.change({ key, text, hash, state, due, wake: undefined })
    if (waits !== undefined && waits > into.waits) into.waits = waits
    into.weight += Math.max(1, n)
    return into
  }

  /** The keys with work, in order, as many at a time as their state may be in memory. */
  private async *works(
    slice: number,
    from: Cursor | undefined,
    fromText: string | undefined,
    upper: KeyPlace | undefined,
  ): AsyncGenerator<Work[]> {
    const { state } = this
    const { stateKeys, advanceBytes } = this.group.host.limits
    const woken = new Set(state.wokenAt(slice))
    const candidates: Candidate[] = []
    for (const cell of this.cache.get(slice)?.cells.values() ?? [])
      candidates.push({ hash: cell.hash, text: cell.text, cell })
    for (const { hash, text } of state.due(slice)) candidates.push({ hash, text, cell: undefined })
    for (const hash of woken) candidates.push({ hash, text: '', cell: undefined })
    const wanted = candidates.filter(({ hash }) => {
      if (upper !== undefined && hash > upper.hash) return false
      return from?.hash === undefined || hash > from.hash || (hash === from.hash && from.rank !== undefined)
    })
    const sorted = inOrder(wanted)
    for (let at = 0; at < sorted.length; ) {
      let end = Math.min(sorted.length, at + stateKeys)
      while (end < sorted.length && sorted[end]!.hash === sorted[end - 1]!.hash) end++
      const some = sorted.slice(at, end)
      await state.load(some.map(({ hash }) => hash))
      const works: Work[] = []
      for (let i = 0; i < some.length; ) {
        const { hash } = some[i]!
        const ofHash = new Map<string, Cell | undefined>()
        for (; i < some.length && some[i]!.hash === hash; i++) {
          const { text, cell } = some[i]!
          if (text !== '') ofHash.set(text, cell ?? ofHash.get(text))
        }
        if (woken.has(hash))
          for (const { text, due } of state.asleep(hash)) {
            if (due !== undefined && this.operator.slices.sliceEnd(due) > slice) state.wakeAgain(due, hash)
            if (!ofHash.has(text)) ofHash.set(text, undefined)
          }
        for (const text of [...ofHash.keys()].sort()) {
          if (from !== undefined && isDone(from, fromText, hash, text)) continue
          if (upper !== undefined && hash === upper.hash && text >= upper.text) continue
          const cell = ofHash.get(text)
          const record = state.record(text, hash)
          const isDue = record?.due !== undefined && this.operator.slices.sliceEnd(record.due) <= slice
          if (cell === undefined && !isDue) continue
          works.push({ hash, text, cell, record, key: cell?.key ?? record!.key })
        }
      }
      if (works.length > 0) yield works
      state.blocks.trim(advanceBytes / 4)
      at = end
    }
  }
}

class PartDraft {
  readonly name: string
  readonly emissions: Emission[] = []
  readonly failed: FailedEmission[] = []
  readonly changes: KeyRecord[] = []
  chars = 0
  waits = Number.NEGATIVE_INFINITY
  /** Keys, or rows if a key gave several. */
  weight = 0
  private readonly group: StateGroup

  constructor(group: StateGroup, slice: number, hash: number, rank: number) {
    this.group = group
    this.name = `${sortable(slice)}-${hex8(hash)}${rank === 0 ? '' : `-${String(rank).padStart(8, '0')}`}`
  }

  change(record: KeyRecord): void {
    this.changes.push(record)
    this.chars += bytesOf(record)
  }

  get isFull(): boolean {
    const { partRows, changeChars } = this.group.host.limits
    return this.weight >= partRows || this.chars >= changeChars
  }

  ended({ hash, text }: KeyPlace, rank: number, isWithin: boolean, last: boolean): KeyedPart {
    const { name, emissions, failed, changes, chars, waits, isFull } = this
    const place = { lastHash: hash, lastText: text, lastRank: isWithin ? rank : undefined, ownRank: rank, isFull, last }
    return { ...place, name, emissions, failed, changes, chars, waits }
  }
}
