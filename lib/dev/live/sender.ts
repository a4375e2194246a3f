import type { Line } from '../input/lines.js'

/** One line on its way, under the key that its source's `partitionKey` gives. */
export interface Outgoing {
  readonly key: string | null
  readonly line: Line
}

/** Where lines are sent: returns once all of them are acknowledged. */
export interface Sender {
  send(records: readonly Outgoing[]): Promise<void>
  close(): Promise<void>
}
