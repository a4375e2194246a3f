import { RecordRejection, RecordValues } from '../base/index.js'
import { reject } from './rejections.js'

/** One event of a log, with what its envelope says of all of them. */
export interface CloudWatchLogEvent {
  /** The account that the log is of. */
  readonly owner: string
  readonly logGroup: string
  readonly logStream: string
  /** Names of the subscription filters that matched. */
  readonly subscriptionFilters: readonly string[]
  /** Unique, and the same where CloudWatch sends the event again. */
  readonly id: string
  /** When it happened, in ms since the epoch. */
  readonly timestamp: number
  readonly message: string
  /** What the filter's pattern took out of the message, where it takes anything. */
  readonly extractedFields?: Readonly<Record<string, string>>
}

/** The log events of an envelope that was parsed, or why there are none. */
export function logEventsOf(envelope: unknown, bytes: number): RecordValues | RecordRejection {
  if (envelope instanceof RecordRejection) return envelope
  const { messageType, owner, logGroup, logStream, subscriptionFilters, logEvents } = (envelope ?? {}) as any
  if (messageType === 'CONTROL_MESSAGE') return new RecordValues([], bytes)
  if (messageType !== 'DATA_MESSAGE' || !Array.isArray(logEvents) || !logEvents.every(isLogEvent))
    return reject.badEnvelope()
  const of = { owner, logGroup, logStream, subscriptionFilters }
  return new RecordValues(
    logEvents.map((event) => ({ ...of, ...event })),
    bytes,
  )
}

function isLogEvent(event: any): boolean {
  return typeof event?.id === 'string' && typeof event.timestamp === 'number' && typeof event.message === 'string'
}
