import { isUtf8 } from 'node:buffer'
import { ConfigError, DECODE_RECORDS, messageOf, RECORDS_PER_LOOK, RecordRejection } from '../base/index.js'
import type { Rejected } from '../pipeline/index.js'
import type { SourceNode, SplitBatch } from '../ports/index.js'
import { FragileFold } from './fold.js'
import type { Program } from './program.js'
import { advanceOwn, ClockWanted, RecordAt, timestampOf, validate } from './record.js'
import type { SplitState } from './split-item.js'
import type { ChunkLimits, StageFold } from './stage-fold.js'

/** Decodes payloads of a batch; `lib/codecs` has the JSON one. */
export interface RecordDecoder {
  decode(batch: SplitBatch, from: number, to: number, out: unknown[]): void
}

/** A chunk of a batch, folded: what is to be written, and where the split stands after it. */
export interface SourceChunk {
  readonly fold: StageFold
  /** After the last record of it. */
  readonly next: number
  readonly to: string
  readonly own: number
  readonly top: number
  /** The next record waits for a mark of its split (`ClockWanted`). Nothing may have been folded before it. */
  readonly wantsClock: boolean
}

export interface ChunkRequest {
  readonly batch: SplitBatch
  readonly source: SourceNode<any>
  readonly program: Program
  readonly decoder: RecordDecoder
  readonly split: SplitState
  readonly splitId: string
  /** The first record after the split's position. */
  readonly from: number
  /** At most up to here; the chunk may end before. */
  readonly to: number
  /** A chunk ends on the first whole source record beyond one of these. */
  readonly limits: ChunkLimits
  /** Whether so little time is left that the chunk should end. */
  readonly isDue: () => boolean
  /** Makes an empty fold for the stage. */
  readonly fresh: () => StageFold
  /** Records that an earlier try of this chunk could not fold, and why. */
  readonly spoilt: Map<string, string>
}

/**
 * Folds the records [from, to) of a batch. Synchronous: decode, validate, event time, stateless steps, then counted, late or expired per window by
 * the effective own watermark at the record; then the own watermark moves on. Rejected records never count, nor move it.
 */
export function foldChunk(request: ChunkRequest): SourceChunk {
  for (;;) {
    const tried = tryFold(request)
    if ('fold' in tried) return tried
    // What a throwing custom fold may have spoilt is folded anew: up to before the record, or without it where it comes first.
    if (tried.unit > request.from) return foldChunk({ ...request, to: tried.unit })
    request.spoilt.set(tried.thrown.position, tried.thrown.message)
  }
}

function tryFold(request: ChunkRequest): SourceChunk | { unit: number; thrown: FragileFold } {
  const { batch, source, program, split, from, to, spoilt } = request
  const fold = request.fresh()
  const at = new RecordAt(source.name, request.splitId, batch)
  const values: unknown[] = []
  let { own, top } = split
  let next = from
  const ended = (end: number, wantsClock = false): SourceChunk => ({
    fold,
    next: end,
    to: end === from ? split.position : batch.position(end - 1),
    own,
    top,
    wantsClock,
  })
  const skipped = split.skip !== '' && split.skip === split.position ? batch.unitEnd(from) : from // guard: skip
  // guard: skipped-as-one
  if (skipped > from) {
    at.index = skipped - 1
    fold.reject(at.id, skippedUnit(batch, at, skipped - from), skipped - from)
    next = skipped
    // What is left out may make a row that fills a chunk by itself.
    if (fold.isFull(request.limits)) return ended(next)
  }
  for (let start = skipped; start < to; start += DECODE_RECORDS) {
    const stop = Math.min(to, start + DECODE_RECORDS)
    request.decoder.decode(batch, start, stop, values)
    for (let i = start; i < stop; i++) {
      at.index = i
      fold.next(batch.sizeBound(i))
      const value = values[i - start]
      try {
        if (value instanceof RecordRejection) {
          if (value.code === 'tombstone') fold.pass()
          else throw value
        } else {
          const why = spoilt.size > 0 ? spoilt.get(at.position) : undefined
          if (why !== undefined) throw new RecordRejection('step-threw', why)
          const checked = validate(source, value)
          const timestamp = timestampOf(source, checked, at, top, split)
          const moved = advanceOwn(source, own, checked, timestamp)
          const gated = Math.max(own, split.gate) // guard: own-by-record
          at.timestamp = timestamp
          at.turn = timestamp > gated ? timestamp : gated
          fold.accept(program.run(checked), gated, 1, at)
          own = moved
          if (timestamp > top) top = timestamp
        }
      } catch (thrown) {
        if (thrown instanceof FragileFold) return { unit: next, thrown } // guard: fragile-fold
        if (thrown instanceof ConfigError) throw thrown
        // The chunk ends before it: who decides on it stands right before it, as all do who may. guard: mark-before-record
        if (thrown instanceof ClockWanted) return ended(next, true)
        fold.reject(at.id, rejection(batch, at, thrown, value))
      }
      // guard: whole-units
      if (batch.unitEnd(i) === i + 1) {
        next = i + 1
        // guard: chunk-limits
        if (fold.isFull(request.limits)) return ended(next)
        // guard: deadline-within
        if (i % RECORDS_PER_LOOK === 0 && request.isDue()) return ended(next)
      }
    }
  }
  return ended(next)
}

/** What an operator had skipped (law 14) is not even decoded: it may be what kills the process. One letter, however many records came in it. */
function skippedUnit(batch: SplitBatch, at: RecordAt, records: number): Rejected {
  return {
    reason: 'skipped',
    detail:
      records === 1 ? 'An operator had this record skipped.' : `An operator had these ${records} records skipped.`,
    source: at.source,
    split: at.splitId,
    position: at.position,
    ...(records > 1 && { records }),
    payload: records > 1 && batch.unitRaw !== undefined ? batch.unitRaw(at.index) : textOf(batch, at.index),
  }
}

function rejection(batch: SplitBatch, at: RecordAt, thrown: unknown, value: unknown): Rejected {
  const known = thrown instanceof RecordRejection
  return {
    reason: known ? thrown.code : 'step-threw',
    detail: messageOf(thrown),
    source: at.source,
    split: at.splitId,
    position: at.position,
    ...(batch.unitRecords !== undefined && known && manyRecords(batch, at.index)),
    payload: value instanceof RecordRejection || !storable(value) ? textOf(batch, at.index) : value,
  }
}

/** Of a unit that its source gives as one record, though it holds many: how many. */
function manyRecords(batch: SplitBatch, index: number): { records: number } | undefined {
  const records = batch.unitRecords!(index)
  return records > 1 ? { records } : undefined
}

/** A payload that is no value: as text where its bytes are some, else as the event holds it. */
function textOf(batch: SplitBatch, index: number): string | null {
  const bytes = Buffer.alloc(batch.sizeBound(index))
  const written = batch.write(index, bytes, 0)
  return written >= 0 && isUtf8(bytes.subarray(0, written)) ? bytes.toString('utf8', 0, written) : batch.raw(index)
}

/** What JSON cannot write (too deep, cyclic by a schema's hand) must not block the dead letter. */
function storable(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}
