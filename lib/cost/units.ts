import type { Shape } from './shape.js'

type Operator = Shape['operators'][number]

/** Write units of a checkpoint; read units of a split's item together with the watermark. */
const CHECKPOINT_UNITS = 1
const BATCH_READ_UNITS = 2
export const UNIT_BYTES = 1_024
const READ_UNIT_BYTES = 4_096
/** Size of an item besides its payload: keys, checksum, seal. */
const ITEM_BYTES = 150
/** Size of an uncompressed entry: its key, and the partial of each field. */
const KEY_BYTES = 10
const FIELD_BYTES = 5
/** Size of an entry's field in a segment that exceeds one unit, and is therefore compressed. */
const COMPRESSED_BYTES = 5.5

/** Units per record, and its stored bytes. */
export interface RecordUnits {
  readonly writes: number
  readonly reads: number
  readonly bytes: number
}

/**
 * Units per record estimated from the plan alone: a batch has one checkpoint, and one segment for each lane and slice
 * that its records belong to. Records are assumed to be in order and spread evenly over all keys.
 * test/cost/calibration.test.ts compares the estimate with what the handlers write.
 */
export function plannedUnits({ operators }: Shape, keys: number, batch: number, intervalSeconds: number): RecordUnits {
  let units = CHECKPOINT_UNITS
  let bytes = 0
  for (const operator of operators) {
    const slices = Math.min(batch, 1 + (intervalSeconds * 1_000) / operator.widthMs)
    const distinct = distinctOf(keys, batch / slices)
    const segments = distinctOf(operator.lanes, distinct) * slices
    const each = segmentBytes(operator, (distinct * slices) / segments)
    units += segments * Math.max(1, Math.ceil(each / UNIT_BYTES))
    bytes += segments * each
  }
  return { writes: units / batch, reads: (BATCH_READ_UNITS + bytes / READ_UNIT_BYTES) / batch, bytes: bytes / batch }
}

function segmentBytes({ fields }: Operator, entries: number): number {
  const plain = ITEM_BYTES + entries * (KEY_BYTES + fields * FIELD_BYTES)
  if (plain <= UNIT_BYTES) return plain
  return Math.min(plain, ITEM_BYTES + entries * fields * COMPRESSED_BYTES)
}

/** The expected number of distinct values among `some` draws from `all` values, if all are equally likely. */
export function distinctOf(all: number, some: number): number {
  return all <= 1 ? Math.min(all, some) : all * (1 - (1 - 1 / all) ** some)
}

/**
 * Closing a slice writes the claim and the cursor of each key group, and once per stage the proposal and the
 * publication.
 */
const CLOSE_UNITS_PER_GROUP = 2
const CLOSE_UNITS = 2

/** Write units per second for closing slices. Slices that one batch completes are closed together. */
export function closingUnits({ operators }: Shape, batchesPerSecond: number): number {
  const perSecond = ({ sliceMs }: Operator): number => Math.min(1_000 / sliceMs, batchesPerSecond)
  const groups = operators.reduce((sum, of) => sum + perSecond(of) * CLOSE_UNITS_PER_GROUP * of.keyGroups, 0)
  const stages = new Map<number, number>()
  for (const of of operators) stages.set(of.stage, Math.max(stages.get(of.stage) ?? 0, perSecond(of)))
  return groups + [...stages.values()].reduce((sum, closes) => sum + closes * CLOSE_UNITS, 0)
}
