import { ConfigError, checkOptions, glimpse, shown } from '../../base/index.js'
import type { Connector, LogRecord } from '../sim/log.js'

/** What a broker stores with a record besides its payload. */
export interface RecordEnvelope {
  /** Kafka's key, or Kinesis' partition key. Default: none, and `k` for Kinesis. */
  readonly key?: string | Uint8Array
  /** Kafka only. */
  readonly headers?: Readonly<Record<string, string | Uint8Array>>
  /** Kafka only: the time that the producer wrote (CreateTime), ms since the epoch or a Date. */
  readonly timestamp?: number | Date
  /**
   * When the broker received the record, ms since the epoch or a Date. Default: the driver's clock. Kafka states either
   * this time (LogAppendTime) or `timestamp`.
   */
  readonly arrivedAt?: number | Date
}

const FIELDS: Readonly<Record<Connector, readonly (keyof RecordEnvelope)[]>> = {
  kafka: ['key', 'headers', 'timestamp', 'arrivedAt'],
  kinesis: ['key', 'arrivedAt'],
  file: [],
}
const CONNECTORS: Readonly<Record<Connector, string>> = {
  kafka: 'Kafka topic',
  kinesis: 'Kinesis stream',
  file: 'file',
}

type Kept = Pick<LogRecord, 'key' | 'headers' | 'createdMs' | 'statedMs'>

/**
 * An envelope as a log keeps it.
 * @throws {ConfigError} `bad-envelope` if the source has no such field, or the value is not of its type
 */
export function envelopeOf(source: string, connector: Connector, given: RecordEnvelope, nowMs: number): Kept {
  const what = `sendWith() of "${source}"`
  checkOptions<RecordEnvelope>(what, given, { key: true, headers: true, timestamp: true, arrivedAt: true })
  const bad = (why: string): never => {
    throw new ConfigError('bad-envelope', `${what}: ${why}`)
  }
  for (const field of ['key', 'headers', 'timestamp', 'arrivedAt'] as const) {
    const fields = FIELDS[connector]
    if (given[field] === undefined || fields.includes(field)) continue
    bad(`a record of a ${CONNECTORS[connector]} has no ${field}; it has ${fields.join(', ') || 'only a payload'}.`)
  }
  const { key, headers = {}, timestamp, arrivedAt } = given
  const isText = (value: unknown): boolean => typeof value === 'string' || value instanceof Uint8Array
  if (key !== undefined && !(connector === 'kinesis' ? typeof key === 'string' : isText(key)))
    bad(`key is ${connector === 'kinesis' ? 'text' : 'text or bytes'}; it is ${glimpse(key)}.`)
  for (const [name, value] of Object.entries(headers))
    if (!isText(value)) bad(`the header ${shown(name)} is text or bytes; it is ${glimpse(value)}.`)
  if (timestamp !== undefined && arrivedAt !== undefined)
    bad('a Kafka record states one time, either timestamp or arrivedAt. Leave one of them out.')
  const time = (field: 'timestamp' | 'arrivedAt', value: number | Date): number => {
    const ms = Number(value)
    if (!Number.isSafeInteger(ms) || ms < 0)
      bad(`${field} is a Date, or whole ms since the epoch; it is ${glimpse(value)}.`)
    return ms
  }
  return {
    ...(key !== undefined && { key }),
    ...(given.headers !== undefined && { headers: Object.entries(headers) }),
    ...(timestamp !== undefined && { createdMs: time('timestamp', timestamp) }),
    statedMs: arrivedAt === undefined ? nowMs : time('arrivedAt', arrivedAt),
  }
}
