import { ConfigError } from '../base/index.js'
import type { SourceInspector } from '../ports/index.js'
import { boundKafkaInspector, type KafkaBinding } from '../sources/kafka/binding.js'
import { kinesisInspector } from '../sources/kinesis/inspector.js'
import { objectIn, VARIABLES } from './environment.js'

/** A stream by its name or ARN; a topic with its brokers and the references of its secrets; or a topic of the cluster that another source names. */
export type SourceBinding =
  | { readonly stream: string }
  | KafkaBinding
  | { readonly topic: string; readonly like: string }

const EXAMPLE = '{"orders":{"stream":"orders"},"clicks":{"topic":"clicks","brokers":["b-1:9096"]}}'

/** What the sources are outside, from MILLRACE_SOURCES. A source that is not named there cannot be asked for its splits. */
export function sourcesIn(bindings = objectIn(VARIABLES.sources, EXAMPLE)): {
  readonly inspectors: Readonly<Record<string, SourceInspector>>
  readonly origins: Readonly<Record<string, string>>
} {
  const inspectors: Record<string, SourceInspector> = {}
  const origins: Record<string, string> = Object.create(null)
  for (const name of Object.keys(bindings)) {
    const settled = settle(name, bindings)
    const origin =
      'stream' in settled
        ? `kinesis:${settled.stream.slice(settled.stream.lastIndexOf('/') + 1)}`
        : `kafka:${settled.topic}`
    if (origin in origins)
      throw new ConfigError(
        'bad-environment',
        `${VARIABLES.sources} binds "${origins[origin]}" and "${name}" to ${origin}: events name it alone, so their records could not be told apart. Bind each to one of its own.`,
      )
    origins[origin] = name
    inspectors[name] = 'stream' in settled ? kinesisInspector(settled) : boundKafkaInspector(settled)
  }
  return { inspectors, origins }
}

function settle(name: string, bindings: Readonly<Record<string, unknown>>): { readonly stream: string } | KafkaBinding {
  const binding = bindings[name] as Partial<Record<'stream' | 'topic' | 'like', unknown>> & Partial<KafkaBinding>
  if (typeof binding?.stream === 'string') return { stream: binding.stream }
  if (typeof binding?.topic === 'string') {
    const { like, ...own } = binding
    const cluster = typeof like === 'string' ? (bindings[like] as Partial<KafkaBinding> | undefined) : own
    if (Array.isArray(cluster?.brokers)) return { ...cluster, topic: binding.topic } as KafkaBinding
  }
  throw new ConfigError(
    'bad-environment',
    `${VARIABLES.sources} gives the source "${name}" neither a stream nor a topic with its brokers. It is JSON by logical name, such as ${EXAMPLE}.`,
  )
}
