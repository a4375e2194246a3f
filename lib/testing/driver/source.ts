import type { SourceNode } from '../../ports/index.js'
import type { Connector } from '../sim/log.js'
import { payloadOf, type RawPayload } from '../simulate-input.js'
import type { SentRecord } from './commands.js'
import { envelopeOf, type RecordEnvelope } from './envelope.js'
import type { Session } from './session.js'

/** Records of a source, by what became of them. */
export interface SourceCounts {
  readonly in: number
  readonly rejected: number
  readonly filtered: number
  readonly passed: number
}

/** A split of a source: records are sent to it in order. */
export class DriverSplit<T> {
  /** Its id, as dead letters and `meta.split` have it. */
  readonly id: string
  private readonly session: Session
  private readonly node: SourceNode<T>

  /** @internal */
  constructor(session: Session, node: SourceNode<T>, name: string | number) {
    this.session = session
    this.node = node
    this.id = session.openSplit(node.name, name)
  }

  /**
   * Sends records, which are processed as one batch. Rows are written as JSON. `raw()` and a Uint8Array are payloads as
   * they are. A record that the pipeline cannot accept becomes a dead letter. Returns a handle for each record.
   * @throws {ConfigError} `bad-input` for a value that JSON cannot represent, `input-ended` after `endOfInput()`
   * @example t.source(orders).split(0).send({ id: 1, at: 1_000 }, { id: 2, at: 2_000 })
   */
  send(...rows: readonly (T | RawPayload | Uint8Array)[]): SentRecord[] {
    return this.sendWith({}, ...rows)
  }

  /**
   * Sends records with a key, headers or a time of their own.
   * @throws {ConfigError} as `send`, and `bad-envelope` if records of this source have no such field
   * @example t.source(orders).sendWith({ key: 'c1', headers: { trace: '7' } }, { id: 1, at: 1_000 })
   */
  sendWith(envelope: RecordEnvelope, ...rows: readonly (T | RawPayload | Uint8Array)[]): SentRecord[] {
    const { name } = this.node
    const connector = this.node.connector as Connector
    const kept = envelopeOf(name, connector, envelope, this.session.nowMs)
    const given = rows.map((value, i) => ({
      ...kept,
      payload: payloadOf(`Record ${i} of send() to "${name}"`, connector, value),
      value,
    }))
    return this.session.send<unknown>(name, this.id, given)
  }

  /** The split's own watermark, ms since the epoch, which decides which of its records are late. Undefined at first. */
  async watermark(): Promise<number | undefined> {
    const run = await this.session.settled()
    return (await run.split(this.node.name, this.id))?.ownWatermark
  }
}

/** A source. Its own `send` is that of split 0. */
export class DriverSource<T> {
  private readonly session: Session
  private readonly node: SourceNode<T>

  /** @internal */
  constructor(session: Session, node: SourceNode<T>) {
    this.session = session
    this.node = node
  }

  /**
   * A split, by its number or its name. The splits that are named before the first read exist from the start. One that
   * is named later appears at that moment, as a new shard or partition does.
   * @throws {ConfigError} `bad-split`
   * @example t.source(orders).split(1).send({ id: 1, at: 1_000 })
   */
  split(name: string | number): DriverSplit<T> {
    return new DriverSplit<T>(this.session, this.node, name)
  }

  /** Sends records to split 0, see `DriverSplit.send`. */
  send(...rows: readonly (T | RawPayload | Uint8Array)[]): SentRecord[] {
    return this.split(0).send(...rows)
  }

  /** Sends records to split 0, see `DriverSplit.sendWith`. */
  sendWith(envelope: RecordEnvelope, ...rows: readonly (T | RawPayload | Uint8Array)[]): SentRecord[] {
    return this.split(0).sendWith(envelope, ...rows)
  }

  /** Ends the input of this source. Windows close when all sources of their stage have ended. */
  endOfInput(): void {
    this.session.end(this.node.name)
  }

  /** How many records of the source were rejected, filtered and passed on. */
  async counts(): Promise<SourceCounts> {
    const { name } = this.node
    const run = await this.session.settled()
    const sum = { in: 0, rejected: 0, filtered: 0, passed: 0 }
    for (const split of await run.splitsOf(name))
      for (const field of ['in', 'rejected', 'filtered', 'passed'] as const) sum[field] += split[field]
    return sum
  }
}
