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

/** Sources and sinks as the stack has them, by logical name. */
export type Sources = Readonly<Record<string, PipelineSource>>
/** A table that is there, `'table'` for one that the stack makes, or a bucket for what is rejected. */
export type SinkTarget = ITable | 'table' | DeadLetters

/** What AWS takes for all variables of a function together. */
const ENVIRONMENT_BYTES_MAX = 4096
/** An ARN that is not known before the stack is deployed has about this many. */
const TOKEN_BYTES = 90

/** Every source of the plan is bound to one of its kind, in ways that one function can tell apart. */
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
        'A function has no files to read.',
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
        `${where}: the source "${name}" is a ${connector} source, and bound to ${bound.connector}. Bind it to what it is, or change the pipeline.`,
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
      `"${onDemand}" has none, and one function answers both: only provisioned pollers take partial answers (invariant 11).`,
      'Give all Kafka sources of a pipeline provisioned pollers, or none.',
    )
}

/**
 * Events name a stream by its ARN, a topic with its cluster: two sources that agree in that could not be told apart.
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
        `"${other.name}" is bound to it too, and their records could not be told apart.`,
        'Bind each source to one of its own, and merge or branch in the pipeline.',
      )
    seen.push({ name, ...here })
  }
}

/**
 * What a source reads, and what tells that from one of the same name elsewhere. What is not known before it is deployed
 * stands for itself.
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
  // What is made of one import is another token each time.
  const addresses = [brokers].flat().map((broker) => JSON.stringify(Stack.of(scope).resolve(broker)))
  return { origin: `topic ${binding.topic}`, places: [...(cluster === undefined ? [] : [cluster]), ...addresses] }
}

/** Nobody else of the app reads in the same place by the same name: a group of consumers, or a consumer of a stream. */
export function claimMapping(scope: Construct, binding: SourceBinding, mapping: EventSourceMappingOptions): void {
  const { origin, places } = originOf(scope, binding)
  const { kafkaConsumerGroupId: group, eventSourceArn: arn } = mapping
  if (group !== undefined)
    claim(scope, {
      keys: places.map((place) => `${origin} of ${place} by ${group}`),
      option: 'consumerGroupId',
      value: group,
      rule: `two mappings of one group share the partitions of a topic: each would miss what the other reads.`,
      fix: 'Give each a group of its own, or leave it out.',
    })
  else if ('stream' in binding && arn !== undefined && arn !== binding.stream)
    claim(scope, {
      keys: [arn],
      option: 'consumer',
      value: arn,
      rule: 'a consumer of a stream has one subscription a shard: each would take it from the other.',
      fix: 'Register one for each.',
    })
}

/**
 * What the sources are outside, as the functions' environment has it. Sources of one cluster say only once how it is
 * reached.
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

/** Lambda refuses more than 4 KB of variables, and only as it deploys. */
export function checkEnvironment(scope: Construct, environment: Readonly<Record<string, string>>): void {
  const bytes = Object.entries(environment).reduce((sum, [name, value]) => sum + name.length + bytesOf(scope, value), 0)
  if (bytes > ENVIRONMENT_BYTES_MAX)
    throw new ConfigError(
      'large-environment',
      `${scope.node.path}: the functions' variables have about ${bytes} bytes, and Lambda takes ${ENVIRONMENT_BYTES_MAX}. Give fewer brokers each cluster, shorter names, or cut the pipeline in two.`,
    )
}

function bytesOf(scope: Construct, value: string): number {
  const resolved: unknown = Stack.of(scope).resolve(value)
  if (typeof resolved === 'string') return resolved.length
  const parts = (resolved as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join']?.[1] ?? [resolved]
  return parts.reduce<number>((sum, part) => sum + (typeof part === 'string' ? part.length : TOKEN_BYTES), 0)
}

/** Whether rows are sent to a sink, and not only what is rejected or late. */
export const takesRows = ({ readers }: Plan, sink: string): boolean =>
  readers.flat().some((reader) => reader.kind === 'sink' && reader.sink.name === sink)

/** Which sinks are tables of the stack, and that no other one needs a disk. */
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
        'A bucket keeps rows as they come and replaces none: it is for what is rejected or late, not for results.',
        `Give ${JSON.stringify(name)}: 'table', or a table that is there.`,
      )
    if (sinks[name] !== undefined && connector !== 'dynamodb' && writersOf(plan, name).length > 1)
      throw new ConfigError(
        'shared-sink',
        `${where}: the results of ${writersOf(plan, name)
          .map((operator) => `"${operator.name}"`)
          .join(
            ' and ',
          )} go to "${name}", and as items of one table they would take each other's place. Give each a sink of its own.`,
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
    `${where}: ${files.map(({ name }) => `the sink "${name}"`).join(' and ')} ${files.length === 1 ? 'is a file' : 'are files'}, and a function's disk is gone with its container. Give sinks: { ${bound.join(', ')} }: 'table' is a DynamoDB table of the stack, DeadLetters a bucket for what is rejected, or give tables that are there.`,
  )
}
