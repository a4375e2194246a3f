import { distinctOf, UNIT_BYTES } from './distinct.js'
import { stateUnits } from './keyed.js'
import type { Shape } from './shape.js'
import type { Workload } from './workload.js'

type Operator = Shape['operators'][number]

/** Write units of a checkpoint; read units of a split's item together with the watermark. */
const CHECKPOINT_UNITS = 1
const BATCH_READ_UNITS = 2
const READ_UNIT_BYTES = 4_096
/** Size of an item besides its payload: keys, checksum, seal. */
const ITEM_BYTES = 150
/** Size of an uncompressed entry: its key, and the partial of each field. */
const KEY_BYTES = 10
const FIELD_BYTES = 5
/** Size of an entry's field in a segment that exceeds one unit, and is therefore compressed. */
const COMPRESSED_BYTES = 5.5

/** Size of the place of a row in a segment, and how much smaller rows are once they are compressed. */
const ROW_BYTES = 40
const ROW_COMPRESSION = 3

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
export function plannedUnits(
  { operators }: Shape,
  { keys, recordBytes }: Pick<Workload, 'keys' | 'recordBytes'>,
  batch: number,
  intervalSeconds: number,
): RecordUnits {
  let units = CHECKPOINT_UNITS
  let bytes = 0
  for (const operator of operators) {
    const slices = Math.min(batch, 1 + (intervalSeconds * 1_000) / operator.widthMs)
    const distinct = distinctOf(keys, batch / slices)
    const segments = distinctOf(operator.lanes, distinct) * slices
    const each = operator.isKeyed
      ? ITEM_BYTES + ((batch / segments) * (ROW_BYTES + recordBytes)) / ROW_COMPRESSION
      : segmentBytes(operator, (distinct * slices) / segments)
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

/**
 * Closing a slice writes the claim and the cursor of each key group, and once per stage the proposal and the
 * publication.
 */
const CLOSE_UNITS_PER_GROUP = 2
const CLOSE_UNITS = 2

/** Write units per second for closing slices. Slices that one batch completes are closed together. */
export function closingUnits(
  { operators }: Shape,
  { keys, recordsPerSecond }: Pick<Workload, 'keys' | 'recordsPerSecond'>,
  batchesPerSecond: number,
): number {
  const perSecond = ({ sliceMs }: Operator): number => Math.min(1_000 / sliceMs, batchesPerSecond)
  const ofGroup = (of: Operator): number => {
    const touches = recordsPerSecond / perSecond(of) / of.keyGroups
    return CLOSE_UNITS_PER_GROUP + (of.isKeyed ? stateUnits(Math.max(1, keys / of.keyGroups), touches) : 0)
  }
  const groups = operators.reduce((sum, of) => sum + perSecond(of) * ofGroup(of) * of.keyGroups, 0)
  const stages = new Map<number, number>()
  for (const of of operators) stages.set(of.stage, Math.max(stages.get(of.stage) ?? 0, perSecond(of)))
  return groups + [...stages.values()].reduce((sum, closes) => sum + closes * CLOSE_UNITS, 0)
}
