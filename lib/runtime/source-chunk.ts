import { isUtf8 } from 'node:buffer'
import {
  ConfigError,
  DECODE_RECORDS,
  messageOf,
  RECORDS_PER_LOOK,
  RecordRejection,
  RecordValues,
} from '../base/index.js'
import type { Rejected } from '../pipeline/index.js'
import type { RecordMeta, SourceNode, SplitBatch } from '../ports/index.js'
import { FragileFold } from './fold.js'
import { type KeptRecord, keptRecord, keptUnit } from './letter-record.js'
import type { Program } from './program.js'
import { advanceOwn, ClockWanted, isUnlikely, positionOfValue, RecordAt, timestampOf, validate } from './record.js'
import type { SplitState } from './split-item.js'
import type { ChunkLimits, StageFold } from './stage-fold.js'

/** Decodes the payloads of a batch. The implementations are in `lib/codecs`. */
export interface RecordDecoder {
  /** Only for a decoder that may turn a record into `RecordValues`: the number of records that it is given at once. */
  readonly recordsAtOnce?: number
  /** `meta` is the metadata of the first record. */
  decode(batch: SplitBatch, from: number, to: number, out: unknown[], meta: RecordMeta): void
}

/** A folded chunk of a batch: what has to be written, and the split's state after it. */
export interface SourceChunk {
  readonly fold: StageFold
  /** The index after the last record of the chunk. */
  readonly next: number
  readonly to: string
  readonly own: number
  readonly top: number
  /**
   * The next record waits until its split has a time mark (`ClockWanted`). The chunk must then be empty before that
   * record.
   */
  readonly wantsClock: boolean
}

export interface ChunkRequest {
  readonly batch: SplitBatch
  readonly source: SourceNode<any>
  readonly program: Program
  readonly decoder: RecordDecoder
  readonly split: SplitState
  readonly splitId: string
  /** The index of the first record after the split's position. */
  readonly from: number
  /** The upper limit. The chunk may end before it. */
  readonly to: number
  /** A chunk ends on the first whole source record beyond one of these. */
  readonly limits: ChunkLimits
  /** Whether so little time is left that the chunk should end. */
  readonly isDue: () => boolean
  /** Creates an empty fold for the stage. */
  readonly fresh: () => StageFold
  /** Records that an earlier try of this chunk could not fold, each with the reason. */
  readonly spoilt: Map<string, string>
}

/**
 * Folds the records [from, to) of a batch. The function is synchronous. For each record it decodes, validates, computes
 * the event time, runs the stateless steps and decides per window whether the row is counted, late or expired, by the
 * effective own watermark before the record. Then the own watermark advances. A rejected record is not counted and does
 * not advance the watermark.
 */
export function foldChunk(request: ChunkRequest): SourceChunk {
  for (;;) {
    const tried = tryFold(request)
    if ('fold' in tried) return tried
    // A custom fold that threw may have corrupted its accumulator, so the chunk is folded again from scratch: up to the
    // record that threw, or without that record if it comes first.
    const { thrown } = tried
    if (thrown === undefined || tried.unit > request.from) return foldChunk({ ...request, to: tried.unit })
    request.spoilt.set(thrown.position, thrown.message)
  }
}

function tryFold(request: ChunkRequest): SourceChunk | { unit: number; thrown?: FragileFold } {
  const { batch, source, program, split, from, to, spoilt } = request
  const fold = request.fresh()
  const at = new RecordAt(source.name, request.splitId, batch)
  const values: unknown[] = []
  const { recordsAtOnce } = request.decoder
  const step = recordsAtOnce ?? DECODE_RECORDS
  const look = recordsAtOnce ?? RECORDS_PER_LOOK
  let { own, top } = split
  let next = from
  /** The index of the last value in the record before `next`. */
  let last = 0
  const ended = (end: number, wantsClock = false): SourceChunk => ({
    fold,
    next: end,
    // A record is done when the last of its values is done, so every value of the record has a position at or below
    // this one.
    to: end === from ? split.position : positionOfValue(batch.position(end - 1), last),
    own,
    top,
    wantsClock,
  })
  const skipped = split.skip !== '' && split.skip === split.position ? batch.unitEnd(from) : from // guard: skip
  // guard: skipped-as-one
  if (skipped > from) {
    at.index = skipped - 1
    const kept = keptUnit(batch, at.index)
    fold.reject(at.id, skippedUnit(batch, at, skipped - from, kept), kept?.bytes, skipped - from)
    next = skipped
    // The skipped records become one dead letter, which may fill a chunk by itself.
    if (fold.isFull(request.limits)) return ended(next)
  }
  for (let start = skipped; start < to; start += step) {
    const stop = Math.min(to, start + step)
    at.index = start
    at.sub = 0
    request.decoder.decode(batch, start, stop, values, at.meta)
    for (let i = start; i < stop; i++) {
      at.index = i
      const decoded = values[i - start]
      const many = recordsAtOnce !== undefined && decoded instanceof RecordValues ? decoded : undefined
      const count = many === undefined ? 1 : many.list.length
      const bytes = many === undefined ? batch.sizeBound(i) : Math.ceil(many.bytes / Math.max(1, count))
      if (count === 0) {
        fold.next(bytes)
        fold.pass()
      }
      for (let sub = 0; sub < count; sub++) {
        at.sub = sub
        fold.next(bytes)
        const value = many === undefined ? decoded : many.list[sub]
        try {
          if (value instanceof RecordRejection) {
            if (value.code === 'tombstone') fold.pass()
            else throw value
          } else {
            const why = spoilt.size > 0 ? spoilt.get(at.position) : undefined
            if (why !== undefined) throw new RecordRejection('step-threw', why)
            const checked = validate(source, value)
            const timestamp = timestampOf(source, checked, at, own, split)
            at.timestamp = timestamp
            const moved = advanceOwn(source, own, checked, at)
            const gated = Math.max(own, split.gate) // guard: own-by-record
            at.turn = timestamp > gated ? timestamp : gated
            fold.accept(program.run(checked, at.meta), gated, 1, at)
            if (at.moves < timestamp) fold.counters.held++
            if (isUnlikely(source, own, timestamp)) fold.counters.unlikely++
            own = moved
            if (timestamp > top) top = timestamp
          }
        } catch (thrown) {
          if (thrown instanceof FragileFold) return { unit: next, thrown } // guard: fragile-fold
          if (thrown instanceof ConfigError) throw thrown
          // Records of the same unit that were folded before this one must not be written without the rest of the unit.
          const isWithin = next > from && (i > next || sub > 0)
          if (thrown instanceof ClockWanted && isWithin) return { unit: next }
          // The chunk ends before this record. Every attempt that reaches it then decides on it directly after the
          // split's position.
          // guard: mark-before-record
          if (thrown instanceof ClockWanted) return ended(next, true)
          const kept = keptRecord(batch, i, many, sub)
          fold.reject(at.id, rejection(batch, at, thrown, value, many, kept), kept?.bytes)
        }
      }
      // guard: whole-units
      if (batch.unitEnd(i) === i + 1) {
        next = i + 1
        last = at.sub
        // guard: chunk-limits
        if (fold.isFull(request.limits)) return ended(next)
        // guard: deadline-within
        if (i % look === 0 && request.isDue()) return ended(next)
      }
      at.sub = 0
    }
  }
  return ended(next)
}

/**
 * Records that the user had skipped (`millrace splits skip`, invariant 14) are not even decoded, because they may be
 * what kills the process. They become one dead letter, however many records the unit holds.
 */
function skippedUnit(batch: SplitBatch, at: RecordAt, records: number, kept: KeptRecord | undefined): Rejected {
  return {
    reason: 'skipped',
    detail: records === 1 ? 'This record was skipped on request.' : `These ${records} records were skipped on request.`,
    source: at.source,
    split: at.splitId,
    position: at.position,
    ...(records > 1 && { records }),
    payload: records > 1 && batch.unitRaw !== undefined ? batch.unitRaw(at.index) : textOf(batch, at.index),
    ...(kept && { record: kept.record }),
  }
}

function rejection(
  batch: SplitBatch,
  at: RecordAt,
  thrown: unknown,
  value: unknown,
  many: RecordValues | undefined,
  kept: KeptRecord | undefined,
): Rejected {
  const known = thrown instanceof RecordRejection
  return {
    reason: known ? thrown.code : 'step-threw',
    detail: messageOf(thrown),
    source: at.source,
    split: at.splitId,
    position: at.position,
    ...(batch.unitRecords !== undefined && known && manyRecords(batch, at.index)),
    ...payloadOf(batch, at.index, value, many?.text(at.sub)),
    ...(kept && { record: kept.record }),
  }
}

/**
 * What a dead letter keeps of a record, or of one value in it: the decoded value if there is one, so that it can be
 * read.
 */
function payloadOf(
  batch: SplitBatch,
  index: number,
  value: unknown,
  own: string | null | undefined,
): Pick<Rejected, 'payload' | 'isText'> {
  if (value instanceof Uint8Array) return { payload: Buffer.from(value).toString('base64') }
  if (!(value instanceof RecordRejection) && storable(value)) return { payload: value }
  if (own !== undefined && own !== null) return { payload: own, isText: true }
  const text = bytesText(batch, index)
  return text === undefined ? { payload: batch.raw(index) } : { payload: text, isText: true }
}

/** The number of records in a unit that its source delivers as one record; undefined if it holds only one. */
function manyRecords(batch: SplitBatch, index: number): { records: number } | undefined {
  const records = batch.unitRecords!(index)
  return records > 1 ? { records } : undefined
}

/** A payload that could not be decoded: as text if its bytes are valid UTF-8, otherwise as the event holds it. */
function textOf(batch: SplitBatch, index: number): string | null {
  return bytesText(batch, index) ?? batch.raw(index)
}

function bytesText(batch: SplitBatch, index: number): string | undefined {
  const bytes = Buffer.alloc(batch.sizeBound(index))
  const written = batch.write(index, bytes, 0)
  return written >= 0 && isUtf8(bytes.subarray(0, written)) ? bytes.toString('utf8', 0, written) : undefined
}

/** A value that JSON cannot write (nested too deeply, or made cyclic by a schema) must not block the dead letter. */
function storable(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}
