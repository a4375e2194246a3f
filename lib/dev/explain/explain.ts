import { ConfigError, encodeKey, type Key } from '../../base/index.js'
import { type Pipeline, plan, type Rejected } from '../../pipeline/index.js'
import type { StateStore } from '../../ports/index.js'
import { RecordTrace, type TracedRecord, timeOf } from '../../testing/explain/record-trace.js'
import { type SplitStatusRow, statusOf } from '../../testing/status.js'
import { type TracedResult, type TracedRow, Tracer } from '../../testing/tracing.js'
import { PlaceFinder } from '../input/place-finder.js'
import type { RecordPlace } from '../input/places.js'
import { StreamInput } from '../input/stream-input.js'
import { replay } from './replay.js'

/** A record of a local run. */
export interface RecordName {
  readonly source: string
  readonly split: string
  /** Its index in the split, from 0. */
  readonly index: number
}

export interface ExplainOptions {
  readonly inputs: Readonly<Record<string, readonly string[]>>
  readonly splits: number
  readonly onProgress?: (records: number) => void
}

/** What happened to a record of a local run. */
export interface RecordExplanation extends TracedRecord {
  readonly record: RecordName & { readonly position: string; readonly text: string; readonly place?: RecordPlace }
}

/** Opens the inputs of a local run again. */
export function openInputs(pipeline: Pipeline, { inputs, splits }: ExplainOptions): StreamInput[] {
  return plan(pipeline).sources.map((source) => new StreamInput(source, inputs[source.name]!, splits, () => 0))
}

/** Reads all input again, and reports what happened to one record. */
export async function explainRecord(
  pipeline: Pipeline,
  options: ExplainOptions,
  wanted: RecordName,
): Promise<RecordExplanation> {
  const inputs = openInputs(pipeline, options)
  const input = inputs.find(({ source }) => source.name === wanted.source)!
  const position = input.numbering.position(wanted.index)
  const trace = new RecordTrace(pipeline, { ...wanted, position })
  let text = ''
  const read = async (store: StateStore): Promise<SplitStatusRow | undefined> => {
    const { stages } = await statusOf(pipeline, store)
    return stages.flatMap(({ splits }) => splits).find(({ split }) => split === `${wanted.source}/${wanted.split}`)
  }
  await replay({
    pipeline: trace.pipeline,
    inputs,
    alone: { input, split: wanted.split, index: wanted.index },
    before: async (store) => {
      trace.before = await read(store)
      const line = input.logs.find(({ split }) => split === wanted.split)!.line(wanted.index)
      text = typeof line === 'string' ? line : line.toString('base64')
    },
    after: async (store) => {
      trace.after = await read(store)
    },
    written: (sink, rows) => trace.written(sink, rows),
    ...(options.onProgress && { onProgress: options.onProgress }),
  })
  const { total } = input.logs.find(({ split }) => split === wanted.split)!
  if (wanted.index >= total)
    throw new ConfigError(
      'no-record',
      `The split ${wanted.split} of this run has ${total} records and none at position ${position}. Use the same --input and --splits as the run.`,
    )
  const place = await input.placeOf(wanted.split, wanted.index)
  return { record: { ...wanted, position, text, ...(place && { place }) }, ...trace.traced() }
}

/** A record with a key, as an operator received it. */
export interface KeyRecord {
  readonly operator: string
  readonly source: string
  readonly split: string
  readonly position: string
  readonly time: number
  readonly place?: RecordPlace
}

/** The records with a key, and their results. */
export interface KeyExplanation {
  readonly key: string
  /** The number of records with the key, by operator. */
  readonly counts: Readonly<Record<string, number>>
  /** The first of these records. */
  readonly records: readonly KeyRecord[]
  /** Rows with the key that arrived after all their windows had closed. */
  readonly expired: readonly Rejected[]
  readonly results: readonly TracedResult[]
  readonly rows: readonly TracedRow[]
}

const RECORDS_SHOWN = 20

/** Whether a key is the one that the user typed: as its text, or as its JSON. */
export function isKey(key: Key, text: string): boolean {
  try {
    return String(key) === text || encodeKey(key) === text
  } catch {
    return false
  }
}

/** Reads all input again, and reports the records with a key and their results. */
export async function explainKey(pipeline: Pipeline, options: ExplainOptions, text: string): Promise<KeyExplanation> {
  const inputs = openInputs(pipeline, options)
  const counts: Record<string, number> = {}
  const records: Omit<KeyRecord, 'place'>[] = []
  const expired: Rejected[] = []
  const seen = new Set<string>()
  const tracer = new Tracer(
    pipeline,
    {
      record: () => true,
      result: (_, { key }) => isKey(key, text),
      entered: (operator, key, value) => {
        if (value === undefined || !('meta' in value) || !isKey(key, text)) return
        // A chunk that is folded again repeats its records.
        const name = `${operator}/${value.meta.source}/${value.meta.split}/${value.meta.position}`
        if (seen.has(name)) return
        seen.add(name)
        counts[operator] = (counts[operator] ?? 0) + 1
        if (records.length < RECORDS_SHOWN) records.push({ operator, ...value.meta, time: timeOf(value) })
      },
    },
    { keepsRecords: false },
  )
  await replay({
    pipeline: tracer.pipeline,
    inputs,
    written: (sink, rows) => {
      tracer.written(sink, rows)
      for (const { value } of rows) {
        const row = value as Partial<Rejected> | null
        if (row?.reason === 'expired' && row.key !== undefined && isKey(row.key, text)) expired.push(row as Rejected)
      }
    },
    ...(options.onProgress && { onProgress: options.onProgress }),
  })
  const finder = new PlaceFinder(inputs)
  for (const record of records) finder.add(record)
  await finder.find()
  const placed = records.map((record): KeyRecord => {
    const place = finder.place(record.source, record.split, record.position)
    return { ...record, ...(place && { place }) }
  })
  return { key: text, counts, records: placed, expired, results: tracer.results, rows: tracer.rows }
}
