import { Stack, Token } from 'aws-cdk-lib'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { EventSourceMappingOptions } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { ConfigError } from '../../lib/base/index.js'
import type { SourceBinding } from '../../lib/lambda/index.js'
import { type Plan, writersOf } from '../../lib/pipeline/index.js'
import type { KafkaBinding } from '../../lib/sources/kafka/binding.js'
import { claim } from './claims.js'
import { DeadLetters } from './dead-letters.js'
import { refuse } from './refuse.js'
import type { PipelineSource } from './source.js'

/** The sources of the stack, by logical name. */
export type Sources = Readonly<Record<string, PipelineSource>>
/** An existing table, `'table'` for one that the stack creates, or a bucket for rejected records. */
export type SinkTarget = ITable | 'table' | DeadLetters

/** Lambda's limit for all environment variables of a function together. */
const ENVIRONMENT_BYTES_MAX = 4096
/** The approximate length of an ARN that is not known before deployment. */
const TOKEN_BYTES = 90

/** Checks that every source of the plan is bound to one of its kind, and that a function can distinguish them. */
export function checkSources(scope: Construct, plan: Plan, sources: Sources): void {
  const where = scope.node.path
  const unknown = Object.keys(sources).find((name) => !plan.sources.some((source) => source.name === name))
  if (unknown !== undefined)
    throw new ConfigError(
      'unknown-name',
      `${where}: sources names "${unknown}"; pipeline "${plan.pipeline.name}" has ${plan.sources.map(({ name }) => name).join(', ')}. Give one of those.`,
    )
  for (const { name, connector } of plan.sources) {
    const bound = sources[name]
    if (connector === 'file')
      refuse(
        where,
        `source "${name}"`,
        'a file',
        'A deployed function cannot read local files.',
        'Deploy a pipeline of kinesisSource or kafkaSource.',
      )
    if (bound === undefined)
      throw new ConfigError(
        'unbound-source',
        `${where}: the source "${name}" is not bound. Give sources: { ${JSON.stringify(name)}: new ${connector === 'kinesis' ? 'KinesisSource(stream)' : 'MskSource({ … })'} }.`,
      )
    if (bound.connector !== connector)
      throw new ConfigError(
        'wrong-source',
        `${where}: the source "${name}" is a ${connector} source, but it is bound to ${bound.connector}. Bind it to a source of its kind, or change the pipeline.`,
      )
  }
  checkOrigins(scope, sources)
  const kafka = Object.entries(sources).filter(([, source]) => source.connector === 'kafka')
  const [provisioned, onDemand] = [true, false].map((is) => kafka.find(([, of]) => of.takesPartialAnswers === is)?.[0])
  if (provisioned !== undefined && onDemand !== undefined)
    refuse(
      where,
      `provisionedPollers of "${provisioned}"`,
      'given',
      `"${onDemand}" has none, and one function answers both. Only provisioned pollers accept partial batch responses (invariant 11).`,
      'Give all Kafka sources of a pipeline provisioned pollers, or none.',
    )
}

/**
 * Events name a stream by its ARN, and a topic with its cluster. Two sources that have these in common could not be
 * distinguished.
 */
function checkOrigins(scope: Construct, sources: Sources): void {
  const seen: { readonly name: string; readonly origin: string; readonly places: readonly string[] }[] = []
  for (const [name, source] of Object.entries(sources)) {
    const here = originOf(scope, source.bindingOf(name))
    const other = seen.find(
      ({ origin, places }) => origin === here.origin && places.some((at) => here.places.includes(at)),
    )
    if (other !== undefined)
      refuse(
        scope.node.path,
        `source "${name}"`,
        here.origin,
        `"${other.name}" is bound to it too, and their records could not be distinguished.`,
        'Bind each source to a stream or topic of its own, or use one source and branch in the pipeline.',
      )
    seen.push({ name, ...here })
  }
}

/**
 * The stream or topic that a source reads, and the places that distinguish it from one of the same name elsewhere. A
 * value that is not known before deployment is compared by its token.
 */
function originOf(
  scope: Construct,
  binding: SourceBinding,
): { readonly origin: string; readonly places: readonly string[] } {
  if ('stream' in binding) {
    const { stream } = binding
    const origin = Token.isUnresolved(stream) ? stream : stream.slice(stream.lastIndexOf('/') + 1)
    return { origin: `stream ${origin}`, places: [stream] }
  }
  const { cluster, brokers = [] } = binding as KafkaBinding
  // An import yields another token each time it is used.
  const addresses = [brokers].flat().map((broker) => JSON.stringify(Stack.of(scope).resolve(broker)))
  return { origin: `topic ${binding.topic}`, places: [...(cluster === undefined ? [] : [cluster]), ...addresses] }
}

/** Refuses a second mapping in the app that uses the same consumer group or the same registered consumer. */
export function claimMapping(scope: Construct, binding: SourceBinding, mapping: EventSourceMappingOptions): void {
  const { origin, places } = originOf(scope, binding)
  const { kafkaConsumerGroupId: group, eventSourceArn: arn } = mapping
  if (group !== undefined)
    claim(scope, {
      keys: places.map((place) => `${origin} of ${place} by ${group}`),
      option: 'consumerGroupId',
      value: group,
      rule: `two mappings with one group share the partitions of a topic: each would miss the records that the other reads.`,
      fix: 'Give each a group of its own, or leave it out.',
    })
  else if ('stream' in binding && arn !== undefined && arn !== binding.stream)
    claim(scope, {
      keys: [arn],
      option: 'consumer',
      value: arn,
      rule: 'a consumer of a stream has one subscription per shard: the mappings would take it from each other.',
      fix: 'Register one for each.',
    })
}

/**
 * The bindings of the sources, for the functions' environment. Sources of the same cluster share one connection, to
 * keep the variable short.
 */
export function sourcesVariable(scope: Construct, sources: Sources): string {
  const clusters = new Map<string, string>()
  const bindings = Object.entries(sources).map(([name, source]) => {
    const binding = source.bindingOf(name)
    if ('stream' in binding) return [name, binding]
    const { topic, ...connection } = binding
    const text = JSON.stringify(connection)
    const like = clusters.get(text)
    if (like !== undefined) return [name, { topic, like }]
    clusters.set(text, name)
    return [name, binding]
  })
  return Stack.of(scope).toJsonString(Object.fromEntries(bindings))
}

/** Lambda refuses more than 4 KB of variables, but only during deployment. */
export function checkEnvironment(scope: Construct, environment: Readonly<Record<string, string>>): void {
  const bytes = Object.entries(environment).reduce((sum, [name, value]) => sum + name.length + bytesOf(scope, value), 0)
  if (bytes > ENVIRONMENT_BYTES_MAX)
    throw new ConfigError(
      'large-environment',
      `${scope.node.path}: the functions' environment variables have about ${bytes} bytes, and Lambda accepts ${ENVIRONMENT_BYTES_MAX}. Give fewer brokers per cluster, use shorter names, or split the pipeline in two.`,
    )
}

function bytesOf(scope: Construct, value: string): number {
  const resolved: unknown = Stack.of(scope).resolve(value)
  if (typeof resolved === 'string') return resolved.length
  const parts = (resolved as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join']?.[1] ?? [resolved]
  return parts.reduce<number>((sum, part) => sum + (typeof part === 'string' ? part.length : TOKEN_BYTES), 0)
}

/** Whether results go to a sink, and not only rejected or late rows. */
export const takesRows = ({ readers }: Plan, sink: string): boolean =>
  readers.flat().some((reader) => reader.kind === 'sink' && reader.sink.name === sink)

/** Checks the bindings of sinks, and that no sink needs a disk. */
export function checkSinks(where: string, plan: Plan, sinks: Readonly<Record<string, SinkTarget>>): void {
  const unknown = Object.keys(sinks).find((name) => !plan.sinks.some((sink) => sink.name === name))
  if (unknown !== undefined)
    throw new ConfigError(
      'unknown-name',
      `${where}: sinks names "${unknown}"; pipeline "${plan.pipeline.name}" has ${plan.sinks.map(({ name }) => name).join(', ')}. Give one of those.`,
    )
  checkFiles(where, plan, sinks)
  for (const { name, connector } of plan.sinks) {
    if (sinks[name] instanceof DeadLetters && (connector === 'dynamodb' || takesRows(plan, name)))
      refuse(
        where,
        `sink "${name}"`,
        'DeadLetters',
        'A bucket only adds rows and never replaces one, so it is for rejected and late rows, not for results.',
        `Give ${JSON.stringify(name)}: 'table', or an existing table.`,
      )
    if (sinks[name] !== undefined && connector !== 'dynamodb' && writersOf(plan, name).length > 1)
      throw new ConfigError(
        'shared-sink',
        `${where}: the results of ${writersOf(plan, name)
          .map((operator) => `"${operator.name}"`)
          .join(
            ' and ',
          )} go to "${name}", and as items of one table they would overwrite each other. Give each a sink of its own.`,
      )
  }
}

function checkFiles(where: string, plan: Plan, sinks: Readonly<Record<string, SinkTarget>>): void {
  const files = plan.sinks.filter(({ name, connector }) => connector === 'ndjson' && sinks[name] === undefined)
  if (files.length === 0) return
  const bound = files.map(({ name }) => {
    const isLetters = name === plan.pipeline.deadLetter.name
    return `${JSON.stringify(name)}: ${isLetters ? "new DeadLetters(this, 'DeadLetters')" : "'table'"}`
  })
  throw new ConfigError(
    'unbound-sink',
    `${where}: ${files.map(({ name }) => `the sink "${name}"`).join(' and ')} ${files.length === 1 ? 'is a file' : 'are files'}, and a function loses its disk with its container. Give sinks: { ${bound.join(', ')} }: 'table' is a DynamoDB table of the stack, DeadLetters a bucket for rejected records. Existing tables can be given too.`,
  )
}
