import { ConfigError, checkOptions, glimpse, MillraceError, messageOf, shown } from '../../base/index.js'
import type { Pipeline } from '../../pipeline/index.js'
import type { Fault } from '../sim/faults.js'
import type { SimulatedRows } from '../simulate.js'
import { differences, differencesText, type RowDifference } from './differences.js'
import type { Session } from './session.js'
import type { SinkRows } from './sink-rows.js'
import { type Smallest, smallest } from './smallest.js'
import {
  describeWay,
  type FinalRows,
  plainRows,
  runWay,
  type SplitRecords,
  sendsOf,
  splitsOf,
  type Way,
  wayOf,
} from './ways.js'

export interface EveryWayOptions {
  /** How many ways are tried. Default 10. */
  readonly runs?: number
  /** The seed of the first way; the others follow. Default 1. The same seed gives the same way. */
  readonly seed?: number
}

export interface EveryWay {
  readonly runs: number
  /** Injected faults in all runs, by kind. */
  readonly injected: Readonly<Partial<Record<Fault, number>>>
}

/** The expectations of a test: throws if the final rows are not as they should be. */
export type Expectations<Rows extends object> = (rows: SimulatedRows<Rows>) => void | Promise<void>

/** What is wrong with a way: rows that differ, an expectation that failed, or a violated invariant. */
interface Finding {
  readonly text: string
  readonly differences: readonly RowDifference[]
  readonly cause?: unknown
}

/** The error of `everyWay`: the smallest way that was found whose rows are not as expected. */
export class WayError extends MillraceError {
  override readonly name = 'WayError'
  /** `everyWay(check, { seed, runs: 1 })` tries this way again. */
  readonly seed: number
  /** What differs from a plain run, in words. */
  readonly way: readonly string[]
  /** The rows that differ; empty if an expectation failed or an invariant was violated. */
  readonly differences: readonly RowDifference[]

  constructor(seed: number, way: readonly string[], finding: Finding, records: string) {
    super(
      'way-differs',
      `The rows depend on how the records are processed. The smallest difference that was found (seed ${seed}):\n${way.map((line) => `  - ${line}`).join('\n')}\n${records}${finding.text}`,
      finding.cause === undefined ? undefined : { cause: finding.cause },
    )
    this.seed = seed
    this.way = way
    this.differences = finding.differences
  }
}

/** Runs the records of a session in many ways, see `TestDriver.everyWay`. */
export async function everyWay<Rows extends object>(
  session: Session,
  check: Expectations<Rows> | undefined,
  options: EveryWayOptions = {},
): Promise<EveryWay> {
  const what = 'everyWay()'
  if (check !== undefined && typeof check !== 'function')
    throw new ConfigError('bad-check', `${what} takes a function of the final rows; it got ${glimpse(check)}.`)
  checkOptions<EveryWayOptions>(what, options, { runs: true, seed: true })
  const { runs = 10, seed = 1 } = options
  for (const [name, value, least] of [['runs', runs, 1] as const, ['seed', seed, 0] as const])
    if (!Number.isSafeInteger(value) || value < least)
      throw new ConfigError('bad-options', `${name} of ${what} is a whole number from ${least}; it is ${shown(value)}.`)
  const { sinks } = await session.settled()
  const { pipeline, startMs } = session
  const splits = splitsOf(session.commands)
  const plain = await steadyRows(session, sinks, splits)
  if (check !== undefined) await check(bySink(session, plain))
  const injected = new Map<Fault, number>()
  const attempt = async (way: Way, some: readonly SplitRecords[]) => {
    const run = await runWay(pipeline, startMs, some, way)
    const base = some === splits ? plain : await plainRows(pipeline, startMs, sendsOf(some))
    const finding = await findingOf(session, run.violations, base, run.rows, check)
    if (some === splits) for (const [kind, times] of run.injected) injected.set(kind, (injected.get(kind) ?? 0) + times)
    return finding && { finding, injected: run.injected, ordinals: run.ordinals }
  }
  for (let run = 0; run < runs; run++) {
    const way = wayOf(pipeline, seed + run)
    if ((await attempt(way, splits)) === undefined) continue
    // Expectations name the rows of all records, so none of the records may be left out.
    const found = await smallest(pipeline, way, splits, attempt, check === undefined)
    if (found === undefined) throw unsteady('')
    throw errorOf(pipeline, seed + run, splits, found)
  }
  return { runs, injected: Object.fromEntries(injected) }
}

/**
 * The final rows of the records alone. `live` are the rows that the test has seen.
 * @throws {MillraceError} `unsteady` if the same commands give other rows when they run again
 * @throws {ConfigError} `clock-decides` if rows depend on when the clock moved, or when a split appeared
 */
async function steadyRows(session: Session, live: SinkRows, splits: readonly SplitRecords[]): Promise<FinalRows> {
  const { pipeline, startMs, plan } = session
  const seen = new Map(plan.sinks.map(({ name }) => [name, [...live.of(name)]]))
  const first = await plainRows(pipeline, startMs, [...session.commands])
  // The end of input adds rows, but changes none.
  const changed = differences(seen, first).filter(({ plain }) => plain !== undefined)
  if (changed.length > 0) throw unsteady(`\n${differencesText(changed, 'again')}`)
  const alone = await plainRows(pipeline, startMs, sendsOf(splits))
  const list = differences(first, alone)
  if (list.length === 0) return alone
  throw new ConfigError(
    'clock-decides',
    `everyWay() processes the records at other times, but in this test the time decides: an idle split had left, or a new one appeared, before other records arrived. Remove advanceTime() between records, and name all splits first. With the same records and without the clock:\n${differencesText(list, 'no clock')}`,
  )
}

function unsteady(text: string): MillraceError {
  return new MillraceError(
    'unsteady',
    `The pipeline gives other rows each time it runs, with the same records in the same batches. A step must not read a clock, draw a random number or remember what it has seen.${text}`,
  )
}

async function findingOf<Rows extends object>(
  session: Session,
  violations: readonly string[],
  plain: FinalRows,
  rows: FinalRows,
  check: Expectations<Rows> | undefined,
): Promise<Finding | undefined> {
  // A run that violates an invariant stops there, so its rows are not all there.
  if (violations.length > 0) return { text: violations.join('\n'), differences: [] }
  const list = check === undefined ? differences(plain, rows) : []
  if (list.length > 0) return { text: differencesText(list, 'this way'), differences: list }
  try {
    await check?.(bySink(session, rows))
  } catch (thrown) {
    return { text: messageOf(thrown), differences: [], cause: thrown }
  }
  return undefined
}

function bySink<Rows extends object>(session: Session, rows: FinalRows): SimulatedRows<Rows> {
  return Object.fromEntries(
    session.plan.sinks.map(({ name }) => [
      name,
      (rows.get(name) ?? []).filter(({ op }) => op === '+').map(({ text }) => JSON.parse(text)),
    ]),
  ) as unknown as SimulatedRows<Rows>
}

function errorOf(pipeline: Pipeline, seed: number, all: readonly SplitRecords[], found: Smallest<Finding>): WayError {
  const { way, splits, finding, injected } = found
  const count = (of: readonly SplitRecords[]): number => of.reduce((sum, { records }) => sum + records.length, 0)
  const shownRecords =
    splits === all ? '' : `with ${count(splits)} of ${count(all)} records:\n${splits.flatMap(recordsText).join('\n')}\n`
  return new WayError(seed, describeWay(pipeline, way, injected), finding, shownRecords)
}

const RECORDS_SHOWN = 10

function recordsText({ source, split, records }: SplitRecords): string[] {
  const lines = records.slice(0, RECORDS_SHOWN).map(({ payload }) => `  ${source} ${split}  ${payloadText(payload)}`)
  return records.length > RECORDS_SHOWN ? [...lines, `  and ${records.length - RECORDS_SHOWN} more of ${split}`] : lines
}

function payloadText(payload: SplitRecords['records'][number]['payload']): string {
  if (typeof payload === 'string') return payload.length > 200 ? `${payload.slice(0, 200)}…` : payload
  if (payload === null) return 'no payload'
  return 'raw' in payload ? payload.raw : `${payload.bytes.length} bytes`
}
