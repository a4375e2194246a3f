import { RecordRejection, RecordValues } from '../base/index.js'
import { reject } from './rejections.js'

/** One log event, together with the fields that its envelope holds for all events. */
export interface CloudWatchLogEvent {
  /** The account that owns the log. */
  readonly owner: string
  readonly logGroup: string
  readonly logStream: string
  /** Names of the subscription filters that matched. */
  readonly subscriptionFilters: readonly string[]
  /** A unique id. It stays the same if CloudWatch sends the event again. */
  readonly id: string
  /** When the event happened, in ms since the epoch. */
  readonly timestamp: number
  readonly message: string
  /** The fields that the filter's pattern extracted from the message, if it extracts any. */
  readonly extractedFields?: Readonly<Record<string, string>>
}

/** Returns the log events of a parsed envelope, or the rejection if it is not a valid envelope. */
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
