import {
  ConfigError,
  checkOptions,
  type Duration,
  glimpse,
  type Key,
  milliseconds,
  rowJson,
  shown,
  TIME_MIN,
} from '../../base/index.js'
import { operatorNamed, type Pipeline, type Rejected } from '../../pipeline/index.js'
import type { SinkNode, SourceNode } from '../../ports/index.js'
import type { SplitStatusRow } from '../status.js'
import { SentRecord } from './commands.js'
import { type EveryWay, type EveryWayOptions, type Expectations, everyWay } from './every-way.js'
import type { Explanation } from './explanation.js'
import { Session } from './session.js'
import { DriverSink } from './sink.js'
import { DriverSource } from './source.js'
import { type OpenWindow, openWindows } from './windows.js'

export interface DriverOptions {
  /**
   * Where the driver's clock starts, ms since the epoch or a Date. Default: the year 2100, so that no timestamp of a
   * record is in the future. Only idle splits and `maxFutureDrift` depend on this clock; event time comes from records.
   */
  readonly now?: number | Date
  /**
   * The splits of sources: how many, or their names. Default: those that are named before the first read, or one.
   * @example { orders: 4, legacy: ['a', 'b'] }
   */
  readonly splits?: Readonly<Record<string, number | readonly (string | number)[]>>
}

/** Rows of an operator, in pairs of a row and a window that contains it. */
export interface OperatorCounts {
  readonly counted: number
  /** Of the counted ones: those whose window had already ended. */
  readonly late: number
  /** Those whose window no longer accepted rows. */
  readonly expired: number
  /** Rows that are in no window, if windows have gaps. */
  readonly outside: number
}

/**
 * Drives a pipeline in a test. Commands (`send`, `advanceTime`, `endOfInput`) are queued, and return at once. Reads
 * return promises, and first run what is queued. Made by `testDriver`.
 */
export class TestDriver<Rows extends object = Record<never, never>> {
  private readonly session: Session
  private readonly taken = new Map<string, number>()

  /** @internal */
  constructor(session: Session) {
    this.session = session
  }

  /** The driver's clock after all commands so far, ms since the epoch. */
  get now(): number {
    return this.session.nowMs
  }

  /**
   * A source, by its name or its node. The node gives the type of its rows.
   * @throws {ConfigError} `unknown-name`
   * @example t.source(orders).send({ id: 1, at: 1_000 })
   * @example t.source<Order>('orders').split(1).send(first, second)
   */
  source<T>(node: SourceNode<T>): DriverSource<T>
  source<T = unknown>(name: string): DriverSource<T>
  source<T>(given: SourceNode<T> | string): DriverSource<T> {
    const name = typeof given === 'string' ? given : nameOf('source', given)
    return new DriverSource<T>(this.session, this.session.source(name))
  }

  /**
   * Moves the driver's clock, with a tick each minute and at the end, as the schedule of a deployed pipeline runs them.
   * In a long advance, ticks are at most a twentieth of the passed time apart. The clock only decides about silence: an
   * idle split no longer holds event time back, and `idle.close` closes open windows. To move event time, send records.
   * @example t.advanceTime('5m')
   */
  advanceTime(duration: Duration): void {
    this.session.advance(milliseconds(duration, 'advanceTime()'))
  }

  /** Ends all input: all windows close, and no source accepts another record. */
  endOfInput(): void {
    for (const { name } of this.session.plan.sources) this.session.end(name)
  }

  /**
   * A sink, by its name or its node. Every sink is replaced by one that keeps its rows.
   * @throws {ConfigError} `unknown-name`
   * @example expect(await t.sink('revenue').rows()).toEqual([{ key: 'a', total: 3 }])
   */
  sink<Name extends keyof Rows & string>(name: Name): DriverSink<Rows[Name]>
  sink<Row>(node: SinkNode<Row>): DriverSink<Row>
  sink<Row = unknown>(name: string): DriverSink<Row>
  sink(given: SinkNode<any> | string): DriverSink<any> {
    const name = this.session.sink(typeof given === 'string' ? given : nameOf('sink', given))
    return new DriverSink(this.session, name, this.taken)
  }

  /** Everything in the dead letter sink, in order: rejected records, and expired rows of windows without `late`. */
  deadLetters(): Promise<readonly Rejected[]> {
    return new DriverSink<Rejected>(this.session, this.session.pipeline.deadLetter.name, this.taken).rows()
  }

  /**
   * The rows that arrived after an operator's windows had stopped accepting them, from its `late` output or the dead
   * letter. Rows that were late but still counted are not among them: their results are panes with `timing: 'late'`.
   */
  async late(operator: string): Promise<readonly Rejected[]> {
    const { late, name } = operatorNamed(this.session.plan, operator)
    const sink = late ?? this.session.pipeline.deadLetter
    const rows = await new DriverSink<Rejected>(this.session, sink.name, this.taken).rows()
    return rows.filter((row) => row.reason === 'expired' && row.operator === name)
  }

  /**
   * A watermark, ms since the epoch. Of an operator: the event time up to which its windows are closed. It moves when a
   * window can close, in steps of at least `minAdvance`. Of a source: the lowest watermark among its splits that are
   * not idle, or the highest if all of them are. Undefined before the first one, and infinite after the end of input.
   * @throws {ConfigError} `unknown-name`
   */
  async watermark(name: string): Promise<number | undefined> {
    const { plan } = this.session
    const operator = plan.operators.find((candidate) => candidate.name === name)
    if (operator === undefined && !plan.sources.some((source) => source.name === name))
      throw this.session.unknown('source or operator', name, [...plan.sources, ...plan.operators])
    const run = await this.session.settled()
    if (operator !== undefined) {
      const { watermark, ended } = (await run.status()).stages[operator.stage]!
      return ended ? Number.POSITIVE_INFINITY : watermark
    }
    const splits = await run.splitsOf(name)
    if (splits.length > 0 && splits.every(({ status }) => status === 'ended')) return Number.POSITIVE_INFINITY
    const times = (of: readonly SplitStatusRow[]): number[] => of.map(({ ownWatermark }) => ownWatermark ?? TIME_MIN)
    const active = splits.filter(({ status }) => status !== 'out' && status !== 'ended')
    const time = active.length > 0 ? Math.min(...times(active)) : Math.max(TIME_MIN, ...times(splits))
    return time === TIME_MIN ? undefined : time
  }

  /**
   * The windows of an operator that hold rows and have not closed, with their values so far. By their ends, then by
   * key.
   * @throws {ConfigError} `unknown-operator`, `no-slices`: an operator that keeps its windows as state of each key
   * @example expect(await t.openWindows('revenue')).toMatchObject([{ key: 'a', value: { total: 3 } }])
   */
  async openWindows<K extends Key = Key, Value = any>(operator: string): Promise<readonly OpenWindow<K, Value>[]> {
    const { pipeline, plan } = this.session
    const found = operatorNamed(plan, operator)
    if (found.logic !== undefined)
      throw new ConfigError(
        'no-slices',
        `openWindows("${operator}") reads windows that are folded from slices; "${operator}" (${found.logic.kind}) keeps state for each key, which cannot be read yet. Check what it gives: t.sink(…).rows(), after t.advanceTime(…) or t.endOfInput().`,
      )
    const run = await this.session.settled()
    return (await openWindows(pipeline, found, run.store, run.nowMs)) as unknown as OpenWindow<K, Value>[]
  }

  /**
   * How many rows an operator has counted, and how.
   * @throws {ConfigError} `unknown-operator`
   */
  async counts(operator: string): Promise<OperatorCounts> {
    const { stage, index } = operatorNamed(this.session.plan, operator)
    const run = await this.session.settled()
    const sum = { counted: 0, late: 0, expired: 0, outside: 0 }
    for (const { operators } of (await run.status()).stages[stage]!.splits)
      for (const name of ['counted', 'late', 'expired', 'outside'] as const) sum[name] += operators[index]?.[name] ?? 0
    return sum
  }

  /**
   * Why a record is where it is: what each step did with it, its time and its split's watermark, the windows that
   * counted it or did not, and the results and rows that contain it. All commands so far run again for it. `record` is
   * what `send` returned for the record, or the row that was sent.
   * @throws {ConfigError} `unknown-record` if no such record was sent, or several were
   * @example
   * const [late] = t.source(orders).send({ id: 1, at: 1_000 })
   * expect((await t.explain(late)).verdict).toBe('expired')
   */
  async explain(record: unknown): Promise<Explanation> {
    return await this.session.explain(this.find(record))
  }

  /**
   * Processes all records so far again, in other ways: batches are cut elsewhere, splits are read in another order,
   * batches arrive twice, processes crash and time out, there are other numbers of key groups and write shards, and
   * Kinesis shards were split. Each way then ends the input. The final rows of every sink must be those of a
   * plain run, or, if `expectations` are given, must satisfy these. Records are available at once in every way, so
   * `advanceTime` must not decide which rows are late.
   * @throws {WayError} `way-differs`, with the smallest difference that was found
   * @throws {MillraceError} `unsteady` if the plain run itself gives other rows when it is repeated
   * @throws {ConfigError} `clock-decides` if the rows of this test depend on `advanceTime`
   * @example await t.everyWay()
   * @example await t.everyWay((rows) => expect(rows.revenue).toHaveLength(2), { runs: 50 })
   */
  everyWay(expectations?: Expectations<Rows>, options?: EveryWayOptions): Promise<EveryWay> {
    return everyWay(this.session, expectations, options)
  }

  private find(given: unknown): SentRecord {
    const all = [...this.session.sent.keys()]
    if (given instanceof SentRecord) {
      if (this.session.sent.has(given)) return given
      throw new ConfigError(
        'unknown-record',
        'explain() takes a record of this driver; another driver has sent this one.',
      )
    }
    const same = all.filter(({ value }) => value === given)
    const text = rowJson(given)
    const found = same.length > 0 ? same : all.filter(({ value }) => rowJson(value) === text)
    if (found.length === 1) return found[0]!
    throw new ConfigError(
      'unknown-record',
      found.length === 0
        ? `explain() takes a record that was sent: what send() returned for it, or the same row. None of the ${all.length} records is ${glimpse(given)}.`
        : `explain() takes one record, but ${found.length} records are like this: ${found.map(({ source, split, index }) => `${source} ${split} record ${index}`).join(', ')}. Give what send() returned for one of them.`,
    )
  }
}

function nameOf(what: string, node: { readonly kind?: unknown; readonly name?: unknown } | null): string {
  if (node?.kind === what && typeof node.name === 'string') return node.name
  throw new ConfigError('unknown-name', `A ${what} is given by its name or its node; this is ${glimpse(node)}.`)
}

/**
 * A driver for tests of a pipeline: send records, move the clock, and read what sinks, windows and watermarks hold. It
 * runs the real runtime, on a store in memory and without timers. `Rows` declares the row types of the sinks that it
 * names.
 * @throws {ConfigError} if the pipeline or an option is not valid
 * @example
 * const t = testDriver(pipeline)
 * t.source('orders').send({ id: 1, at: 1_000, amount: 2 }, { id: 2, at: 70_000, amount: 1 })
 * expect(await t.sink('revenue').rows()).toMatchObject([{ key: 'a', value: { total: 2 } }])
 * @example
 * const t = testDriver<{ revenue: WindowResult<string, { total: number }> }>(pipeline, { splits: { orders: 2 } })
 * expect((await t.sink('revenue').rows()).map((row) => row.value.total)).toEqual([2])
 */
export function testDriver<Rows extends object = Record<never, never>>(
  pipeline: Pipeline,
  options: DriverOptions = {},
): TestDriver<Rows> {
  if (pipeline?.kind !== 'pipeline')
    throw new ConfigError('bad-pipeline', `testDriver() takes a pipeline; it got ${glimpse(pipeline)}.`)
  checkOptions<DriverOptions>('testDriver()', options, { now: true, splits: true })
  const startMs = options.now === undefined ? undefined : Number(options.now)
  if (startMs !== undefined && !(Number.isSafeInteger(startMs) && startMs >= 0))
    throw new ConfigError(
      'bad-time',
      `now of testDriver() is a Date, or whole ms since the epoch; it is ${shown(options.now)}.`,
    )
  const session = new Session(pipeline, startMs)
  for (const [source, splits] of Object.entries(options.splits ?? {})) {
    session.source(source)
    const isCount = typeof splits === 'number' && Number.isSafeInteger(splits) && splits > 0
    if (!isCount && !(Array.isArray(splits) && splits.length > 0))
      throw new ConfigError(
        'bad-split',
        `splits.${source} of testDriver() is the number of its splits, or a list of their names; it is ${shown(splits)}.`,
      )
    const names = isCount
      ? Array.from({ length: splits as number }, (_, i) => i)
      : (splits as readonly (string | number)[])
    for (const name of names) session.openSplit(source, name)
  }
  return new TestDriver<Rows>(session)
}
