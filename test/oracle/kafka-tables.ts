import { kinesisSource, monotonous, ndjson, type Pipeline, pipeline, value } from '../../lib/index.js'
import type { Given, KafkaCase } from './kafka-streams.js'

/**
 * Kafka Streams applies changes of a table in the order of arrival. So the arrival is the event time here, and the
 * timestamp of a record is plain data.
 */
export const changes = kinesisSource('changes', {
  timestamp: (_: Given, meta) => meta.arrivalMs!,
  watermark: monotonous(),
})

/** What a change of the table means for one group: a value leaves it, or comes to it, or both. */
interface Step {
  readonly group: string
  readonly leaves?: string
  readonly comes?: string
  readonly timestamp: number
}
interface Held {
  readonly group: string | null
  readonly value: string | null
  readonly timestamp: number
}
export interface TableRow {
  readonly after: number
  readonly key: string
  readonly value: string | number
  readonly timestamp: number
}

const groups: Readonly<Record<string, (row: Given) => string | null>> = {
  key: ({ key }) => key,
  value: ({ value }) => value,
  "value, no group (row left out) when key is 'null' or 'NULL'": ({ key, value }) =>
    key.toLowerCase() === 'null' ? null : value,
}

type Folded = string | number
interface Fold {
  readonly init: Folded
  add(agg: Folded, value: string): Folded
  remove(agg: Folded, value: string): Folded
}
const counted: Fold = { init: 0, add: (n) => Number(n) + 1, remove: (n) => Number(n) - 1 }
const joined: Fold = { init: '0', add: (agg, v) => `${agg}+${v}`, remove: (agg, v) => `${agg}-${v}` }
const JOINED = { init: "'0'", add: "agg + '+' + value", remove: "agg + '-' + value" }

function foldOf(aggregate: KafkaCase['aggregate']): Fold {
  if (aggregate.count) return counted
  if (JSON.stringify(aggregate) === JSON.stringify(JOINED)) return joined
  throw new Error(`No fold for ${JSON.stringify(aggregate)}`)
}

const MISSING: Held = { group: null, value: null, timestamp: Number.NEGATIVE_INFINITY }

/** A table, and the aggregates of its groups: one process function for the rows, and one for the groups. */
export function tablePipeline({ groupBy, aggregate, versioned }: KafkaCase): Pipeline {
  const groupOf = groups[groupBy!]
  if (groupOf === undefined) throw new Error(`No groups by ${groupBy}`)
  const fold = foldOf(aggregate)
  return pipeline('tables', { deadLetter: ndjson('dead') }, (p) => {
    p.from(changes)
      .keyBy(({ key }) => key)
      .process(
        'table',
        { state: { held: value<Held | null>(null) }, every: '1s' },
        {
          onRow({ state }, row): Step[] {
            const before = state.held.get() ?? MISSING
            if (versioned && row.timestamp < before.timestamp) return []
            const { timestamp } = row
            const after: Held = { group: row.value === null ? null : groupOf(row), value: row.value, timestamp }
            state.held.set(after)
            const leaves = before.group !== null && { group: before.group, leaves: before.value!, timestamp }
            const comes = after.group !== null && { group: after.group, comes: after.value!, timestamp }
            if (leaves && comes && before.group === after.group) return [{ ...leaves, ...comes }]
            return [leaves, comes].filter((step) => step !== false)
          },
        },
      )
      .keyBy(({ group }) => group)
      .process(
        'groups',
        { state: { agg: value<Folded>(fold.init), latest: value(0) }, every: '1s' },
        {
          onRow({ key, state, timestamp }, step): TableRow[] {
            const { agg, latest } = state
            if (step.leaves !== undefined) agg.set(fold.remove(agg.get(), step.leaves))
            if (step.comes !== undefined) agg.set(fold.add(agg.get(), step.comes))
            latest.update((before) => Math.max(before, step.timestamp))
            return [{ after: timestamp, key, value: agg.get(), timestamp: latest.get() }]
          },
        },
      )
      .to(ndjson('out'))
  })
}
