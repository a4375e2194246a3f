import { encodeKey, hash32, type Key, TIME_MIN } from '../../lib/base/index.js'
import { recordDecoder } from '../../lib/codecs/decoder.js'
import { plan } from '../../lib/pipeline/index.js'
import type { EventDecoder } from '../../lib/ports/index.js'
import { rowPosition } from '../../lib/runtime/cursor.js'
import { keyGroupOf } from '../../lib/runtime/fold.js'
import { resultCounters } from '../../lib/runtime/group-cursor.js'
import { loadKeyed } from '../../lib/runtime/keyed/load.js'
import { keyGroupSplit, splitName } from '../../lib/runtime/keys.js'
import { fileDecoder } from '../../lib/sources/file/decoder.js'
import { kafkaDecoder } from '../../lib/sources/kafka/decoder.js'
import { kinesisDecoder } from '../../lib/sources/kinesis/decoder.js'
import { Random } from '../../lib/testing/random.js'
import { FAULT_NAMES, type Fault, Swarm } from '../../lib/testing/sim/faults.js'
import { type LogPlan, type LogRecord, positionOf, type SimLog } from '../../lib/testing/sim/log.js'
import { World } from '../../lib/testing/sim/world.js'
import { type Outcome, START_MS, type WorldOptions } from '../../lib/testing/sim/world-options.js'
import { build } from './build.js'
import { specOf } from './generate.js'
import {
  canonical,
  type Expectation,
  type GateOf,
  interpret,
  type OracleRecord,
  type OracleSplit,
  type OrderOf,
  type Tally,
} from './interpret.js'
import { makeLogs } from './logs.js'
import { refuses, type Spec } from './spec.js'
import { SPECS } from './specs.js'

export interface RunOptions {
  readonly seed: number
  /** One of `SPECS`, or `random`. */
  readonly pipeline?: string
  readonly spec?: Spec
  /** Kinds of faults that may be enabled; default all. */
  readonly kinds?: readonly Fault[]
  readonly allows?: (ordinal: number) => boolean
  /** Instead of random logs. */
  readonly logs?: readonly LogPlan[]
  /** Records of a split, about. Default by the seed. */
  readonly length?: number
  readonly world?: Partial<WorldOptions>
  readonly onEvent?: (event: string, now: number) => void
}

export interface RunResult {
  readonly seed: number
  readonly spec: Spec
  readonly swarm: Swarm
  readonly outcome: Outcome
  /** What is wrong, in words; empty where all is sound. */
  readonly faults: readonly string[]
  readonly recordsIn: number
  readonly rowsOut: number
  readonly lost: number
  readonly doubled: number
}

export const DECODERS: ReadonlyMap<string, EventDecoder> = new Map([
  ['file', fileDecoder()],
  ['kafka', kafkaDecoder()],
  ['kinesis', kinesisDecoder()],
])
const BASES_MS = [START_MS - 120_000, START_MS - 120_000, 0, -5_000_000_000]

/**
 * Where event time goes by the clock, one that is far ahead is no fault of ours; and each tick of a long silence closes
 * slices.
 */
function suits(kind: Fault, { idleClose }: Spec): boolean {
  if (kind === 'clock-far') return idleClose === false
  return kind !== 'burst' || idleClose !== 'clock'
}

/** One whole run of a seed: a pipeline, its logs, a world that does its worst, and what all of it has to come to. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { seed } = options
  const spec =
    options.spec ??
    (options.pipeline === undefined || options.pipeline === 'random' ? specOf(seed) : SPECS[options.pipeline]!)
  const random = new Random(seed ^ 0x51ed270b)
  const swarm = new Swarm({
    seed,
    kinds: (options.kinds ?? FAULT_NAMES).filter((kind) => suits(kind, spec)),
    ...(options.allows && { allows: options.allows }),
  })
  // Event time stops at what holds rows: empty windows after it close in the end of all time.
  const hasEmpty = spec.operators.some(({ emptyForMs }) => emptyForMs > 0)
  // And the window of a record that is held closes when event time is there, which may take as long as it lies ahead.
  const hasHeld = swarm.has('future-stamp') && spec.sources.some(({ onFutureDrift }) => onFutureDrift === 'hold')
  const byClock = spec.idleClose !== false && random.below(2) === 0 && !hasEmpty && !hasHeld
  const ending = byClock ? 'clock' : 'bounded'
  const baseMs = BASES_MS[random.below(BASES_MS.length)]!
  const length = options.length ?? 3 + random.below(10)
  const logs = options.logs ?? makeLogs(spec, random, swarm, { length, baseMs, startMs: START_MS })
  let die: World['die'] | undefined
  const pipeline = build(spec, (source, split, position) => die!(source, split, position))
  // What is imported takes as long as it takes: all of it is there before virtual time begins.
  for (const node of pipeline.nodes) if (node.kind === 'source') await recordDecoder(node.source)
  await loadKeyed(plan(pipeline))
  const refusing = swarm.has('refused-row') ? refuses : () => undefined
  const world = new World(pipeline, {
    seed,
    swarm,
    logs,
    decoders: DECODERS,
    refuses: (sink, row) => refusing(sink, row.value),
    batch: 1 + random.below(8),
    partitionsPerPoller: 1 + random.below(3),
    kafkaPartialAnswers: random.below(2) === 0,
    ending,
    tickMs: [10_000, 60_000, 120_000][random.below(3)]!,
    horizonOf: (all) => horizonOf(spec, all),
    startMs: START_MS,
    limits: limitsOf(random),
    ...(options.onEvent && { onEvent: options.onEvent }),
    ...options.world,
  })
  die = world.die
  const outcome = await world.run()
  const faults = [...outcome.violations]
  let audit = { lost: 0, doubled: 0, rowsOut: 0, recordsIn: 0 }
  if (outcome.isFinished && faults.length === 0) audit = compare(spec, outcome, refusing, faults)
  return { seed, spec, swarm, outcome, faults, ...audit }
}

/** Small, so that a handful of records is cut in every place where work can be; fixed for a run. */
function limitsOf(random: Random): WorldOptions['limits'] {
  if (random.below(3) === 0) return {}
  return {
    chunkRecords: 1 + random.below(6),
    chunkEntries: 1 + random.below(12),
    chunkRows: 1 + random.below(8),
    chunkBytes: [1, 300, 1_000_000][random.below(3)]!,
    chunkSegments: 1 + random.below(6),
    spareLifeMs: [172_800_000, 604_800_000][random.below(2)]!,
    segmentBytes: [60, 400, 350_000][random.below(3)]!,
    advanceBytes: [1, 4_000, 1_000_000][random.below(3)]!,
    sinkRows: 1 + random.below(6),
    partRows: 1 + random.below(4),
    pacedSplits: [1, 64][random.below(2)]!,
    blockBytes: [60, 250, 1_024][random.below(3)]!,
    tailBytes: [1, 400, 250_000][random.below(3)]!,
    stateSlots: [2, 3, 6, 64][random.below(4)]!,
    changeChars: [1, 200, 64_000][random.below(3)]!,
    stateKeys: [1, 3, 1_000][random.below(3)]!,
    wakeTimers: [1, 3, 500][random.below(3)]!,
  }
}

/**
 * Every window that any record has fallen into has ended long before this, and its lateness is over. Where the quiet
 * closes what is open, event time goes no further than that takes, stage by stage.
 */
function horizonOf(spec: Spec, world: Pick<Outcome, 'logs' | 'checks'>): (stage: number) => number {
  const gates = keyGroupGates(spec, world.checks)
  const { topMs, ends } = interpret(spec, oracleSplits(world), () => undefined, gates, orderOf)
  if (typeof spec.idleClose === 'number') return (stage) => ends[stage] ?? TIME_MIN
  const spans = spec.operators.map(({ window, latenessMs }) => 2 * (window.sizeMs + window.stepMs + latenessMs))
  const horizonMs = spans.reduce((sum, span) => sum + span, Math.max(topMs + 1, ...ends.filter(Number.isFinite)))
  return () => horizonMs
}

const orderOf: OrderOf = (key) => {
  const text = encodeKey(key as Key)
  return [hash32(text), text]
}

/**
 * Behind which gate the next stage counted what a key group gave when a slice closed: one more of the marks that logs
 * do not hold.
 */
function keyGroupGates(spec: Spec, checks: Outcome['checks']): GateOf {
  return (operator, key, closing) => {
    const hash = hash32(encodeKey(key as Key))
    const group = splitName(operator, keyGroupSplit(keyGroupOf(hash, spec.keyGroups)))
    const position = rowPosition(closing, hash, 0, 0)
    return (checks.stretches.get(group) ?? []).find(({ to }) => to >= position)?.gate ?? Number.NEGATIVE_INFINITY
  }
}

function oracleRecords(records: readonly LogRecord[], log: SimLog): OracleRecord[] {
  return records.map((record) => ({
    position: positionOf(log.connector, record),
    unit: record.offset,
    arrivalMs: log.connector === 'file' || log.plan.hasNoArrival === true ? undefined : log.arrivalAt(record),
    is: record.label as OracleRecord['is'],
  }))
}

/** The records of each split as they were counted, with the marks that logs do not hold. */
export function oracleSplits({ logs, checks }: Pick<Outcome, 'logs' | 'checks'>): OracleSplit[] {
  return logs.flatMap((log) => {
    const generations = [...log.past, log.records]
    return generations.map((records, generation) => {
      const split = log.idOf(generation)
      const name = `${log.plan.source}/${split}`
      const lost = new Set(log.lost.filter((gone) => gone.generation === generation).map(({ record }) => record))
      const stretches = checks.stretches.get(name) ?? []
      return {
        source: log.plan.source,
        split,
        parents: generation === 0 ? (log.plan.parents ?? []) : [],
        records: oracleRecords(
          records.filter((record) => !lost.has(record)),
          log,
        ),
        limitAt: (position: string) => (checks.limits.get(name) ?? []).find(({ to }) => to >= position)?.limit,
        gateAt: (position: string) => stretches.find(({ to }) => to >= position)?.gate ?? Number.NEGATIVE_INFINITY,
        skipsAfter: new Set(checks.skips.get(name) ?? []),
      }
    })
  })
}

/** Holds what the sinks and the counters have against what they should. */
function compare(
  spec: Spec,
  outcome: Outcome,
  refusing: (sink: string, value: any) => string | undefined,
  faults: string[],
) {
  const gates = keyGroupGates(spec, outcome.checks)
  const expected = interpret(spec, oracleSplits(outcome), refusing, gates, orderOf)
  let lost = 0
  let doubled = 0
  let rowsOut = 0
  for (const sink of new Set([...expected.rows.keys(), ...outcome.rows.keys()])) {
    const actual = [...(outcome.rows.get(sink)?.values() ?? [])]
      .map((text) => canonical(comparable(JSON.parse(text))))
      .sort()
    rowsOut += actual.length
    const wanted = expected.rows.get(sink) ?? []
    const missing = without(wanted, actual)
    const extra = without(actual, wanted)
    lost += missing.length
    doubled += extra.length
    for (const row of missing.slice(0, 3)) faults.push(`${sink} lacks ${row}`)
    for (const row of extra.slice(0, 3)) faults.push(`${sink} has what it should not: ${row}`)
  }
  const recordsIn = conserved(expected, outcome, faults)
  resultsConserved(spec, outcome, faults)
  return { lost, doubled, rowsOut, recordsIn }
}

/** Invariant 10: the counters that stand in the table are those of the logs. */
function conserved(expected: Expectation, outcome: Outcome, faults: string[]): number {
  let all = 0
  for (const [name, wanted] of expected.tallies) {
    all += wanted.in
    const item = [...outcome.table.items.all()].find(({ sk }) => sk === `s#${name}`)
    if (item?.counters === undefined) {
      if (wanted.in > 0) faults.push(`invariant 10: ${name} has no counters, and should have ${JSON.stringify(wanted)}`)
      continue
    }
    const actual = readTally(String(item.counters))
    // Zeros at the end are not stored.
    while (wanted.steps.at(-1) === 0) wanted.steps.pop()
    if (canonical(actual) !== canonical(wanted))
      faults.push(`invariant 10: ${name} counts ${JSON.stringify(actual)}, and should ${JSON.stringify(wanted)}`)
  }
  return all
}

/** The key groups of the last operator, whose results go to sinks alone, have counted each result once. */
function resultsConserved(spec: Spec, outcome: Outcome, faults: string[]): void {
  const last = spec.operators.at(-1)
  if (last === undefined) return
  let counted = 0
  for (const item of outcome.table.items.all()) if (item.sk === 'c') counted += resultCounters(item).passed
  const refused = [...(outcome.rows.get('dead')?.values() ?? [])].filter((text) => {
    const { reason, source } = JSON.parse(text)
    return reason === 'sink-refused' && source === last.name
  })
  const rows = (outcome.rows.get(`out${spec.operators.length - 1}`)?.size ?? 0) + refused.length
  if (counted !== rows)
    faults.push(`invariant 10: ${last.name} has counted ${counted} results, and its sinks have ${rows}`)
}

function readTally(text: string): Tally {
  const [all, ...operators] = JSON.parse(text) as number[][]
  return {
    in: all![0]!,
    rejected: all![1]!,
    filtered: all![2]!,
    passed: all![3]!,
    steps: all!.slice(8),
    operators: operators.map((rows) => ({ counted: rows[0]!, late: rows[1]!, expired: rows[2]! })),
  }
}

/** What of a row the oracle knows: not its id, nor the words of a rejection. */
function comparable(row: any): unknown {
  if (row.reason === 'sink-refused')
    return { reason: row.reason, source: String(row.source).split('/')[0], payload: comparable(row.payload) }
  if (row.reason === 'expired') {
    const { reason, source, operator, key, windows, timestamp, payload } = row
    return { reason, source, operator, key, windows, timestamp, payload: comparable(payload) }
  }
  if (row.reason === 'step-threw' && row.operator !== undefined && row.payload !== null) {
    const { reason, source, split, position, payload } = row
    // The place of a row that came from another operator has a form that only the library knows.
    return { reason, source, split, ...(split.includes('/') && { position }), payload: comparable(payload) }
  }
  if (typeof row.reason === 'string')
    return { reason: row.reason, source: row.source, split: row.split, position: row.position }
  if (row.pane === undefined && row.timestamp === undefined) return row
  const { id: _, ...rest } = row
  return rest
}

function without(from: readonly string[], what: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const text of what) left.set(text, (left.get(text) ?? 0) + 1)
  return from.filter((text) => {
    const n = left.get(text) ?? 0
    if (n > 0) left.set(text, n - 1)
    return n === 0
  })
}
