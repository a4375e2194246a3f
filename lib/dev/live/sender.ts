import type { Line } from '../input/lines.js'

/** A record on its way: a line under the key that its source's `partitionKey` gives, or the record of a dead letter. */
export interface Outgoing {
  readonly key: string | Buffer | null
  /** Null is a record without a payload (Kafka). */
  readonly line: Line | null
  /** Kafka's, in an order that its client keeps. */
  readonly headers?: Readonly<Record<string, Buffer | Buffer[]>>
  /** Kafka's, ms since the epoch. Absent is now. */
  readonly timestamp?: number
}

/** Where lines are sent: returns once all of them are acknowledged. */
export interface Sender {
  send(records: readonly Outgoing[]): Promise<void>
  close(): Promise<void>
}
