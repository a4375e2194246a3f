import { ConfigError } from '../../base/index.js'
import { type Pipeline, plan } from '../../pipeline/index.js'
import type { SourceInspector, SourceNode } from '../../ports/index.js'
import { boundKafkaInspector, brokerList, type KafkaBinding } from '../../sources/kafka/binding.js'
import { kinesisInspector } from '../../sources/kinesis/inspector.js'

/** How the sources and sinks of a pipeline are named outside, and how Kafka is reached. */
export interface LiveBindings {
  /** Physical names by logical ones: of streams, topics, tables. Default: the logical name. */
  readonly names?: Readonly<Record<string, string>>
  /** Of every Kafka source; default MILLRACE_KAFKA_BROKERS. */
  readonly kafka?: Partial<Omit<KafkaBinding, 'topic'>>
  readonly kinesis?: { readonly endpoint?: string; readonly region?: string }
}

/** A source as it is outside. */
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

/** Binds each source of a pipeline, or says what it lacks. */
export function liveSources(pipeline: Pipeline, bindings: LiveBindings): readonly LiveSource[] {
  checkNames(pipeline, bindings)
  return plan(pipeline).sources.map((source) => bind(source, bindings))
}

/** Binds one source; undefined where the pipeline has none of that name. What others lack is not asked for. */
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
    `--bind names "${unknown}"; pipeline "${pipeline.name}" has ${[...new Set(known)].join(', ')}.`,
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
  throw new ConfigError(
    'no-live-source',
    `"${name}" is a source of files, which are not live: run them to their end with "millrace run".`,
  )
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

/** What events say of their origin: the stream's name, the topic. */
export function originOf(source: LiveSource): string {
  return source.kind === 'kafka'
    ? `kafka:${source.binding.topic}`
    : `kinesis:${source.stream.slice(source.stream.lastIndexOf('/') + 1)}`
}
