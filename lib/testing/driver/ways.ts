import type { Pipeline } from '../../pipeline/index.js'
import { Random } from '../random.js'
import { HARMLESS, runRegion } from '../region.js'
import { FAULTS, type Fault } from '../sim/faults.js'
import type { LogPlan, LogRecord } from '../sim/log.js'
import type { Command } from './commands.js'
import { PlainRun } from './plain-run.js'
import { arranged, type DriverRow } from './sink-rows.js'

/** The final rows of a run, by sink, in an order that depends on nothing but the rows. */
export type FinalRows = ReadonlyMap<string, readonly DriverRow[]>

/** One way in which the same records may be processed. */
export interface Way {
  /** Determines where batches are cut, which split is read next, and when faults happen. */
  readonly seed: number
  /** Maximum records per batch. */
  readonly batch: number
  readonly keyGroups: number
  readonly writeShards: number
  /** The kinds of faults that may happen. */
  readonly kinds: readonly Fault[]
  /** Whether each Kinesis shard was split midway, and a child continues it. */
  readonly isResharded: boolean
  /** The injections that take place, by their number; undefined for all. */
  readonly kept: ReadonlySet<number> | undefined
}

/** The records of one split. */
export interface SplitRecords {
  readonly source: string
  readonly split: string
  readonly records: readonly LogRecord[]
}

export interface WayRun {
  readonly rows: FinalRows
  readonly violations: readonly string[]
  readonly injected: ReadonlyMap<Fault, number>
  readonly ordinals: number
}

const GROUPS = [1, 2, 3, 7]
const SHARDS = [1, 2, 5]
const BATCH_MAX = 8
/** Ends the id of a shard that continues another one. */
const CHILD = '.resharded-'

/** The way of a seed. */
export function wayOf(pipeline: Pipeline, seed: number): Way {
  const random = new Random(seed ^ 0x1b873593)
  const one = (list: readonly number[]): number => list[random.below(list.length)]!
  return {
    seed,
    batch: 1 + random.below(BATCH_MAX),
    keyGroups: one([pipeline.keyGroups, ...GROUPS]),
    writeShards: one([pipeline.writeShards, ...SHARDS]),
    kinds: HARMLESS,
    isResharded: random.below(2) === 0,
    kept: undefined,
  }
}

/** The records of all splits, from the commands that sent them. */
export function splitsOf(commands: readonly Command[]): SplitRecords[] {
  const splits = new Map<string, { source: string; split: string; records: LogRecord[] }>()
  for (const command of commands) {
    if (command.kind !== 'split' && command.kind !== 'send') continue
    const { source, split } = command
    const name = `${source}/${split}`
    const found = splits.get(name) ?? { source, split, records: [] }
    splits.set(name, found)
    if (command.kind === 'send') found.records.push(...command.records)
  }
  return [...splits.values()]
}

/** The final rows of commands, after the end of input. */
export async function plainRows(pipeline: Pipeline, startMs: number, commands: readonly Command[]): Promise<FinalRows> {
  const run = new PlainRun(pipeline, startMs)
  for (const command of commands) await run.run(command)
  for (const { name } of run.plan.sources) await run.run({ kind: 'end', source: name })
  return new Map(run.plan.sinks.map(({ name }) => [name, arranged(run.sinks.of(name), false)]))
}

/** The commands that only send these records. */
export function sendsOf(splits: readonly SplitRecords[]): Command[] {
  return [
    ...splits.map(({ source, split }): Command => ({ kind: 'split', source, split })),
    ...splits.map(({ source, split, records }): Command => ({ kind: 'send', source, split, records })),
  ]
}

/** Runs the records in a simulated region, in one way. */
export async function runWay(
  pipeline: Pipeline,
  startMs: number,
  splits: readonly SplitRecords[],
  way: Way,
): Promise<WayRun> {
  const { seed, batch, kinds, keyGroups, writeShards, kept } = way
  const varied: Pipeline = { ...pipeline, keyGroups, writeShards }
  const connectors = new Map(
    pipeline.nodes.flatMap((node) => (node.kind === 'source' ? [[node.source.name, node.source.connector]] : [])),
  )
  const random = new Random(seed ^ 0x9e3779b9)
  const logs = splits.flatMap((split): LogPlan[] => {
    const records = split.records.map((record) => ({ ...record, arrivalMs: 0 }))
    const whole = { ...split, records, isClosed: true }
    // The draws are the same whether or not the shards are resharded, so that a way can be made smaller.
    const at = random.below(records.length + 1)
    return way.isResharded && connectors.get(split.source) === 'kinesis' ? resharded(whole, at) : [whole]
  })
  const { outcome, injected, ordinals, deletes } = await runRegion(varied, {
    seed,
    batch,
    kinds,
    logs,
    startMs,
    ...(kept && { allows: (ordinal: number) => kept.has(ordinal) }),
  })
  const rows = new Map<string, DriverRow[]>()
  for (const [sink, byId] of outcome.rows) {
    const gone = deletes.get(sink)
    const all = [...byId].map(([id, json]): DriverRow => {
      const text = unsharded(json)
      return { id: unsharded(id), op: gone?.has(id) ? '-' : '+', value: JSON.parse(text), text }
    })
    rows.set(sink, arranged(all, false))
  }
  return { rows, violations: outcome.violations, injected, ordinals }
}

/**
 * A shard that was split in two before the pipeline starts. The first child continues it from a record on, the second
 * has no record. Nothing is ever silent in between, so no split is idle, and every record is as late as before.
 */
function resharded(log: LogPlan, at: number): LogPlan[] {
  const child = (n: number, records: readonly LogRecord[]): LogPlan => ({
    ...log,
    split: `${log.split}${CHILD}${n}`,
    records,
    parents: [log.split],
  })
  return [{ ...log, records: log.records.slice(0, at) }, child(1, log.records.slice(at)), child(2, [])]
}

/** A record keeps its position when its shard is split, but not the id of its shard. */
const unsharded = (text: string): string => text.replaceAll(/\.resharded-\d/g, '')

/** What differs from a plain run, one line for each. */
export function describeWay(pipeline: Pipeline, way: Way, injected: ReadonlyMap<Fault, number>): string[] {
  const lines = [
    way.batch > BATCH_MAX
      ? 'records are read in other batches, and splits in another order'
      : `records are read in batches of at most ${way.batch}, and splits in another order`,
  ]
  if (way.keyGroups !== pipeline.keyGroups) lines.push(`keyGroups is ${way.keyGroups} instead of ${pipeline.keyGroups}`)
  if (way.writeShards !== pipeline.writeShards)
    lines.push(`writeShards is ${way.writeShards} instead of ${pipeline.writeShards}`)
  if (way.isResharded) lines.push('each Kinesis shard was split midway, and a child continues it')
  for (const [kind, times] of injected)
    lines.push(`${kind}: ${FAULTS[kind].what}${times > 1 ? ` (${times} times)` : ''}`)
  return lines
}
