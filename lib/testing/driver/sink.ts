import type { Session } from './session.js'
import type { DriverRow } from './sink-rows.js'

/** A row that a sink received, or a delete of one. */
export interface SinkChange<Row> {
  /** Unique in its sink. A delete has the id of the row that it deletes, followed by `|-`. */
  readonly id: string
  readonly op: '+' | '-'
  readonly value: Row
}

/**
 * The rows of a sink. The rows of one command follow those of the command before. Within a command, the rows of records
 * are in the order of the records, and results are in the order of the ends of their windows, then of their keys.
 */
export class DriverSink<Row> {
  private readonly session: Session
  private readonly name: string
  private readonly taken: Map<string, number>

  /** @internal */
  constructor(session: Session, name: string, taken: Map<string, number>) {
    this.session = session
    this.name = name
    this.taken = taken
  }

  /** All rows since the start, without deletes. */
  async rows(): Promise<readonly Row[]> {
    return rowsOf(await this.all(), '+')
  }

  /** The rows since the last `take()`, or since the start, without deletes. */
  async take(): Promise<readonly Row[]> {
    const all = await this.all()
    const from = this.taken.get(this.name) ?? 0
    this.taken.set(this.name, all.length)
    return rowsOf(all.slice(from), '+')
  }

  /** The rows that were deleted, as they were: a result that is taken back deletes its row. */
  async deletes(): Promise<readonly Row[]> {
    return rowsOf(await this.all(), '-')
  }

  /** Rows and deletes in their order, with their ids. */
  async changes(): Promise<readonly SinkChange<Row>[]> {
    return (await this.all()).map(({ id, op, value }) => ({ id, op, value: value as Row }))
  }

  private async all(): Promise<readonly DriverRow[]> {
    const run = await this.session.settled()
    return run.sinks.of(this.name)
  }
}

const rowsOf = <Row>(rows: readonly DriverRow[], wanted: '+' | '-'): Row[] =>
  rows.filter(({ op }) => op === wanted).map(({ value }) => value as Row)
