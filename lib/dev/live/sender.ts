import type { Line } from '../input/lines.js'

/**
 * A record to be sent: a line under the key that its source's `partitionKey` computes, or the record of a dead letter.
 */
export interface Outgoing {
  readonly key: string | Buffer | null
  /** Null stands for a record without a payload (Kafka). */
  readonly line: Line | null
  /** Headers of a Kafka record, in an order that its client preserves. */
  readonly headers?: Readonly<Record<string, Buffer | Buffer[]>>
  /** Timestamp of a Kafka record, ms since the epoch. Default: now. */
  readonly timestamp?: number
}

/** A destination of lines. `send` resolves once all of them are acknowledged. */
export interface Sender {
  send(records: readonly Outgoing[]): Promise<void>
  close(): Promise<void>
}
