import { ConfigError } from '../../base/index.js'
import { type Pipeline, plan } from '../../pipeline/index.js'
import type { SourceInspector, SourceNode } from '../../ports/index.js'
import { boundKafkaInspector, brokerList, type KafkaBinding } from '../../sources/kafka/binding.js'
import { kinesisInspector } from '../../sources/kinesis/inspector.js'

/** The physical names of a pipeline's sources and sinks, and the connection to Kafka. */
export interface LiveBindings {
  /** Physical names of streams, topics and tables, by logical name. Default: the logical name. */
  readonly names?: Readonly<Record<string, string>>
  /** Connection of every Kafka source; default MILLRACE_KAFKA_BROKERS. */
  readonly kafka?: Partial<Omit<KafkaBinding, 'topic'>>
  readonly kinesis?: { readonly endpoint?: string; readonly region?: string }
}

/** A source bound to its physical stream or topic. */
export type LiveSource =
  | {
      readonly kind: 'kinesis'
      readonly name: string
      readonly stream: string
      readonly endpoint?: string
      readonly region?: string
      readonly inspector: SourceInspector
    }
  | {
      readonly kind: 'kafka'
      readonly name: string
      readonly binding: KafkaBinding
      readonly inspector: SourceInspector
    }

/** Binds each source of a pipeline, or throws an error that names what is missing. */
export function liveSources(pipeline: Pipeline, bindings: LiveBindings): readonly LiveSource[] {
  checkNames(pipeline, bindings)
  return plan(pipeline).sources.map((source) => bind(source, bindings))
}

/** Binds one source; undefined if the pipeline has no source of that name. The other sources need not be bound. */
export function liveSource(pipeline: Pipeline, name: string, bindings: LiveBindings): LiveSource | undefined {
  checkNames(pipeline, bindings)
  const source = plan(pipeline).sources.find((candidate) => candidate.name === name)
  return source && bind(source, bindings)
}

function checkNames(pipeline: Pipeline, { names = {} }: LiveBindings): void {
  const { sources, sinks } = plan(pipeline)
  const known = [...sources, ...sinks].map(({ name }) => name)
  const unknown = Object.keys(names).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new ConfigError(
    'unknown-name',
    `--bind names "${unknown}"; the names of pipeline "${pipeline.name}" are ${[...new Set(known)].join(', ')}.`,
  )
}

function bind({ name, connector }: SourceNode<any>, bindings: LiveBindings): LiveSource {
  const physical = bindings.names?.[name] ?? name
  if (connector === 'kinesis') {
    const connection = { stream: physical, ...bindings.kinesis }
    return { kind: 'kinesis', name, ...connection, inspector: kinesisInspector(connection) }
  }
  if (connector === 'kafka') {
    const binding = { ...bindings.kafka, topic: physical, brokers: brokersOf(name, bindings) }
    return { kind: 'kafka', name, binding, inspector: boundKafkaInspector(binding) }
  }
  throw new ConfigError('no-live-source', `"${name}" is a file source, which is not live. Use "millrace run".`)
}

function brokersOf(source: string, { kafka }: LiveBindings): readonly string[] {
  if (kafka?.brokers !== undefined && kafka.brokers.length > 0) return brokerList(kafka.brokers)
  const text = process.env.MILLRACE_KAFKA_BROKERS ?? ''
  if (text !== '') return brokerList(text)
  throw new ConfigError(
    'no-brokers',
    `The Kafka source "${source}" needs brokers: --brokers host:port,… or MILLRACE_KAFKA_BROKERS.`,
  )
}

/** The origin that events carry: the name of the stream or the topic. */
export function originOf(source: LiveSource): string {
  return source.kind === 'kafka'
    ? `kafka:${source.binding.topic}`
    : `kinesis:${source.stream.slice(source.stream.lastIndexOf('/') + 1)}`
}
