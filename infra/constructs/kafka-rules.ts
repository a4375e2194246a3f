import { Fn, Token } from 'aws-cdk-lib'
import type { ProvisionedPollerConfig } from 'aws-cdk-lib/aws-lambda'
import { checkOptions, type OptionNames, shown } from '../../lib/base/index.js'
import { checkMapping, isOutside, MAPPING_OPTIONS, type MappingOptions } from './mapping-rules.js'
import { refuse } from './refuse.js'

export interface KafkaMappingOptions extends MappingOptions {
  /**
   * Pollers of its own, minimum 1 to 200, maximum 1 to 2,000: a higher price each hour, and then a batch is answered in
   * parts and throughput never waits for pollers to come.
   * @default - on demand: costs nothing while nothing comes; a failure repeats the whole batch, of which what is done
   * is skipped
   */
  readonly provisionedPollers?: ProvisionedPollerConfig
  /** Refused. */
  readonly onFailure?: unknown
  /** Refused. */
  readonly schemaRegistryConfig?: unknown
}

/** All names of `KafkaMappingOptions`. */
export const KAFKA_MAPPING_OPTIONS: OptionNames<KafkaMappingOptions> = {
  ...MAPPING_OPTIONS,
  provisionedPollers: true,
  onFailure: true,
  schemaRegistryConfig: true,
}

const POLLERS = { minimum: 200, maximum: 2_000 }
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/
const GROUP = /^[a-zA-Z0-9\-/*:_+=.@]{1,200}$/

/** Holds a Kafka mapping's options against the invariants, and against what such mappings can do. */
export function checkKafkaMapping(
  where: string,
  options: KafkaMappingOptions & { readonly topic?: string; readonly consumerGroupId?: string },
): void {
  const { topic, consumerGroupId } = options
  checkMapping(where, options)
  if (options.onFailure !== undefined)
    refuse(
      where,
      'onFailure',
      'a destination',
      'With one, a Kafka mapping gives a batch up after ten attempts, and its records are lost (invariant 10).',
      'Leave it out; poison goes to the dead letter by itself (invariant 14).',
    )
  if (options.schemaRegistryConfig !== undefined)
    refuse(
      where,
      'schemaRegistryConfig',
      'given',
      'With one, Lambda takes records apart itself, and what it cannot read never comes to the pipeline (invariants 1 and 10).',
      "Leave it out, and say in the pipeline's kafkaSource how records are read.",
    )
  if (isNot(TOPIC, topic))
    refuse(where, 'topic', topic, "A topic's name has 1 to 249 letters, digits, '.', '_' and '-'.", 'Give such a name.')
  if (isNot(GROUP, consumerGroupId))
    refuse(
      where,
      'consumerGroupId',
      consumerGroupId,
      "A group's name has 1 to 200 letters, digits, and - / * : _ + = . @.",
      'Give such a name, or leave it out.',
    )
  checkOptions(`${where}: provisionedPollers`, options.provisionedPollers, {
    minimumPollers: true,
    maximumPollers: true,
    pollerGroupName: true,
  })
  const { minimumPollers, maximumPollers } = options.provisionedPollers ?? {}
  for (const [option, value, most] of [
    ['provisionedPollers.minimumPollers', minimumPollers, POLLERS.minimum],
    ['provisionedPollers.maximumPollers', maximumPollers, POLLERS.maximum],
  ] as const)
    if (isOutside(value, 1, most))
      refuse(where, option, value, `There are 1 to ${most}.`, 'Give a whole number in between.')
  const areKnown = !Token.isUnresolved(minimumPollers) && !Token.isUnresolved(maximumPollers)
  if (areKnown && minimumPollers !== undefined && maximumPollers !== undefined && minimumPollers > maximumPollers)
    refuse(
      where,
      'provisionedPollers.minimumPollers',
      minimumPollers,
      `It is above the maximum, ${maximumPollers}.`,
      'Lower it, or raise the maximum.',
    )
}

/** Whether a text is known, and not of this form. */
const isNot = (form: RegExp, text: unknown): boolean =>
  text !== undefined && !Token.isUnresolved(text) && (typeof text !== 'string' || !form.test(text))

const BROKER = /^[^\s,:/]+:(\d{1,5})$/

/**
 * Addresses of brokers, each by itself. AWS gives them as one text joined by commas, which may be known only as the
 * stack is deployed: alone, or in an array of its own, it is cut then.
 */
export function addressesOf(brokers: string | readonly string[]): string[] {
  // A list that is not known yet is one already.
  if (Array.isArray(brokers) && (Token.isUnresolved(brokers) || brokers.length > 1)) return [...brokers]
  const [text] = [brokers].flat() as string[]
  return Token.isUnresolved(text) ? Fn.split(',', text!) : text!.split(',').map((broker) => broker.trim())
}

/**
 * Addresses of brokers as they have to be in the functions' environment. `ports`: those of the login that is given,
 * where it has some of its own.
 */
export function checkBrokers(where: string, brokers: unknown, ports?: readonly number[]): void {
  const refuseAddress = (value: unknown, rule: string, fix: string) =>
    refuse(where, 'bootstrapServers', shown(value), rule, fix)
  const rule = "A cluster is found by one broker at least, each as 'host:port'."
  const fix = "Give an array, such as ['b-1.example.com:9098'], or their text joined by commas."
  if (Token.isUnresolved(brokers)) return
  const isText = typeof brokers === 'string'
  if (!isText && (!Array.isArray(brokers) || brokers.length === 0)) refuseAddress(brokers, rule, fix)
  for (const broker of isText ? addressesOf(brokers) : (brokers as unknown[])) {
    if (Token.isUnresolved(broker)) continue
    const port = typeof broker === 'string' ? BROKER.exec(broker)?.[1] : undefined
    if (port === undefined) refuseAddress(broker, rule, fix)
    if (ports !== undefined && !ports.includes(Number(port)))
      refuseAddress(
        broker,
        `MSK takes this login at port ${ports.join(' or ')}.`,
        'Give the addresses that "aws kafka get-bootstrap-brokers" names for it.',
      )
  }
}
