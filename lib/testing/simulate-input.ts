import { ConfigError, glimpse } from '../base/index.js'
import type { SourceNode } from '../ports/index.js'
import type { Connector, LogPlan, LogRecord } from './sim/log.js'

/** A payload that a source contains as it is, not serialized as JSON. */
export class RawPayload {
  readonly bytes: Uint8Array | null

  constructor(bytes: Uint8Array | null) {
    this.bytes = bytes
  }
}

/**
 * A record of `simulate` with exactly this payload: text that is not JSON, bytes, or no payload at all (`null`, Kafka's
 * tombstone). A `Uint8Array` among the values has the same effect without `raw()`.
 * @throws {ConfigError} if the payload is not text, bytes or null
 * @example await simulate(pipeline, { input: { orders: [[{ id: 1 }, raw('{"id":'), raw(Uint8Array.of(0xff))]] },
 * faults: [] })
 */
export function raw(payload: string | Uint8Array | null): RawPayload {
  if (payload === null) return new RawPayload(null)
  if (typeof payload === 'string') return new RawPayload(Buffer.from(payload))
  if (payload instanceof Uint8Array) return new RawPayload(Uint8Array.from(payload))
  throw new ConfigError('bad-input', `raw() accepts text, a Uint8Array or null; it got ${glimpse(payload)}.`)
}

export type SimulateInput = Readonly<Record<string, readonly (readonly unknown[])[] | undefined>>

/**
 * The logs of a pipeline's sources. A source without input has one empty log: every stream has a shard and every topic
 * a partition, and without any split its stage would wait for the first one indefinitely.
 * @throws {ConfigError} if input is given for an unknown source, or has another form
 */
export function logsOf(pipeline: string, sources: readonly SourceNode<any>[], input: SimulateInput): LogPlan[] {
  if (typeof input !== 'object' || input === null)
    throw new ConfigError(
      'bad-input',
      `simulate() accepts input by source, such as { ${sources[0]?.name}: [[value]] }; it got ${glimpse(input)}.`,
    )
  const unknown = Object.keys(input).find((name) => !sources.some((source) => source.name === name))
  if (unknown !== undefined)
    throw new ConfigError(
      'unknown-name',
      `input names the source "${unknown}"; the sources of pipeline "${pipeline}" are ${sources.map(({ name }) => name).join(', ')}.`,
    )
  return sources.flatMap(({ name, connector }) => {
    const splits: unknown = input[name] ?? []
    if (!Array.isArray(splits) || splits.some((split) => !Array.isArray(split)))
      throw new ConfigError(
        'bad-input',
        `input.${name} must be a list of splits, each a list of values: [[first, second]] is one split with two values. It is ${Array.isArray(splits) ? `a list that holds ${glimpse(splits.find((split) => !Array.isArray(split)))}` : glimpse(splits)}.`,
      )
    return (splits.length === 0 ? [[]] : splits).map((values: readonly unknown[], i) => ({
      source: name,
      split: splitNameOf(name, connector as Connector, i),
      records: Array.from(values, (value, offset) => ({
        offset,
        arrivalMs: 0,
        payload: payloadOf(`input.${name}[${i}][${offset}]`, connector as Connector, value),
      })),
      isClosed: true,
    }))
  })
}

/** The id of a split by its number, as the source's own splits are named. */
export function splitNameOf(source: string, connector: Connector, index: number): string {
  const names: Record<Connector, string> = {
    kinesis: `shardId-${String(index).padStart(12, '0')}`,
    kafka: `${source}-${index}`,
    file: `part-${index}`,
  }
  return names[connector]
}

/**
 * The payload of a record: the value as JSON, or bytes as they are. `place` begins the message if that is not possible.
 */
export function payloadOf(place: string, connector: Connector, value: unknown): LogRecord['payload'] {
  if (value instanceof Uint8Array) return { bytes: value }
  if (value instanceof RawPayload) {
    if (value.bytes !== null) return { bytes: value.bytes }
    if (connector === 'kafka') return null
    throw new ConfigError(
      'bad-input',
      `${place} has no payload, which is only allowed for a Kafka record. Give raw('').`,
    )
  }
  let text: string | undefined
  let why = ''
  try {
    text = JSON.stringify(value)
  } catch (error) {
    why = ` (${(error as Error).message})`
  }
  if (text === undefined)
    throw new ConfigError(
      'bad-input',
      `${place} cannot be written as JSON${why}; it is ${glimpse(value)}. Give a value that JSON can represent, or the payload with raw().`,
    )
  return text
}
