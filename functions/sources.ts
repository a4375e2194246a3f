import { ConfigError } from '../lib/index.js'
import type { SourceInspector } from '../lib/ports/index.js'
import { boundKafkaInspector, type KafkaBinding } from '../lib/sources/kafka/binding.js'
import { kinesisInspector } from '../lib/sources/kinesis/inspector.js'

type SourceBinding = { readonly stream: string } | KafkaBinding

/**
 * What the sources are outside, from MILLRACE_SOURCES: JSON by logical name, a stream's name or ARN (`{"stream": "…"}`), or a topic with its brokers and
 * the references of its secrets (`{"topic": "…", "brokers": ["…"], "credentials": "arn:…"}`). A source that is not named cannot be asked for its splits.
 */
export function sources(): {
  readonly inspectors: Readonly<Record<string, SourceInspector>>
  readonly origins: Readonly<Record<string, string>>
} {
  const inspectors: Record<string, SourceInspector> = {}
  const origins: Record<string, string> = {}
  for (const [name, binding] of Object.entries(bindingsOf(process.env.MILLRACE_SOURCES ?? '{}'))) {
    if ('stream' in binding) {
      inspectors[name] = kinesisInspector(binding)
      origins[`kinesis:${binding.stream.slice(binding.stream.lastIndexOf('/') + 1)}`] = name
    } else {
      inspectors[name] = boundKafkaInspector(binding)
      origins[`kafka:${binding.topic}`] = name
    }
  }
  return { inspectors, origins }
}

function bindingsOf(text: string): Record<string, SourceBinding> {
  try {
    const parsed: unknown = JSON.parse(text)
    const all = Object.values(parsed as object)
    if (all.every((binding) => typeof binding?.stream === 'string' || typeof binding?.topic === 'string'))
      return parsed as Record<string, SourceBinding>
  } catch {
    // Said below.
  }
  throw new ConfigError(
    'bad-sources',
    'MILLRACE_SOURCES is JSON of sources by name, each with a stream, or with a topic and brokers: {"orders":{"stream":"orders"}}.',
  )
}
