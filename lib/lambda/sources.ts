import { ConfigError } from '../base/index.js'
import type { SourceInspector } from '../ports/index.js'
import { boundKafkaInspector, brokerList, type KafkaBinding } from '../sources/kafka/binding.js'
import { kinesisInspector } from '../sources/kinesis/inspector.js'
import { objectIn, VARIABLES } from './environment.js'

/**
 * A stream by its name or ARN; a topic with its brokers and the references to its secrets; or a topic of the cluster
 * that another source names.
 */
export type SourceBinding =
  | { readonly stream: string }
  | KafkaBinding
  | { readonly topic: string; readonly like: string }

const EXAMPLE = '{"orders":{"stream":"orders"},"clicks":{"topic":"clicks","brokers":["b-1:9096"]}}'

/**
 * The physical resources of the sources, from MILLRACE_SOURCES. A source that is not named there cannot be asked for
 * its splits.
 */
export function sourcesIn(bindings = objectIn(VARIABLES.sources, EXAMPLE)): {
  readonly inspectors: Readonly<Record<string, SourceInspector>>
  readonly origins: Readonly<Record<string, string>>
} {
  const settled = Object.keys(bindings).map((name) => settle(name, bindings))
  const inspectors: Record<string, SourceInspector> = {}
  const origins: Record<string, string> = Object.create(null)
  for (const source of settled) {
    const { name, binding } = source
    const namesakes = settled.filter((other) => other.origin === source.origin && other !== source)
    const twin = namesakes.find((other) => !areApart(source.places, other.places))
    if (twin !== undefined)
      throw new ConfigError(
        'bad-environment',
        `${VARIABLES.sources} binds "${name}" and "${twin.name}" to ${source.origin}, and they cannot be distinguished: a stream is identified by its ARN, a topic by its cluster's ARN or its brokers. Bind each source to its own stream or topic.`,
      )
    // A name that only one source has is sufficient, wherever the source is. It stays valid when a stream is recreated
    // in another account, or when brokers are replaced.
    const keys = namesakes.length === 0 ? [source.origin] : source.places.map((place) => `${source.origin}@${place}`)
    for (const key of keys) origins[key] = name
    inspectors[name] = 'stream' in binding ? kinesisInspector(binding) : boundKafkaInspector(binding)
  }
  return { inspectors, origins }
}

/** What events state about a source: its name, and what distinguishes it from a source with the same name elsewhere. */
interface SettledSource {
  readonly name: string
  readonly binding: { readonly stream: string } | KafkaBinding
  readonly origin: string
  readonly places: readonly string[]
}

const areApart = (a: readonly string[], b: readonly string[]): boolean =>
  a.length > 0 && b.length > 0 && !a.some((place) => b.includes(place))

function settle(name: string, bindings: Readonly<Record<string, unknown>>): SettledSource {
  const binding = boundAs(name, bindings)
  if ('stream' in binding) {
    const { stream } = binding
    const isArn = stream.includes('/')
    const origin = `kinesis:${stream.slice(stream.lastIndexOf('/') + 1)}`
    return { name, binding, origin, places: isArn ? [stream] : [] }
  }
  const places = [...(binding.cluster === undefined ? [] : [binding.cluster]), ...brokerList(binding.brokers)]
  return { name, binding, origin: `kafka:${binding.topic}`, places }
}

function boundAs(name: string, bindings: Readonly<Record<string, unknown>>): SettledSource['binding'] {
  const binding = bindings[name] as Partial<Record<'stream' | 'topic' | 'like', unknown>> & Partial<KafkaBinding>
  if (typeof binding?.stream === 'string') return { stream: binding.stream }
  if (typeof binding?.topic === 'string') {
    const { like, ...own } = binding
    const cluster = typeof like === 'string' ? (bindings[like] as Partial<KafkaBinding> | undefined) : own
    if (Array.isArray(cluster?.brokers) || typeof cluster?.brokers === 'string')
      return { ...cluster, topic: binding.topic } as KafkaBinding
  }
  throw new ConfigError(
    'bad-environment',
    `${VARIABLES.sources} gives the source "${name}" neither a stream nor a topic with its brokers. The value must be a JSON object by logical name, such as ${EXAMPLE}.`,
  )
}
