import { Fn, Token } from 'aws-cdk-lib'
import type { ProvisionedPollerConfig } from 'aws-cdk-lib/aws-lambda'
import { checkOptions, type OptionNames, shown } from '../../lib/base/index.js'
import { checkMapping, isOutside, MAPPING_OPTIONS, type MappingOptions } from './mapping-rules.js'
import { refuse } from './refuse.js'

export interface KafkaMappingOptions extends MappingOptions {
  /**
   * Provisioned pollers: a minimum of 1 to 200, and a maximum of 1 to 2,000. They cost more per hour, but support
   * partial batch responses, and throughput does not wait until pollers scale up.
   * @default - on demand: costs nothing while no records arrive; a failure repeats the whole batch, of which finished
   * records are skipped
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

/** Checks a Kafka mapping's options against the invariants, and against the limits of such mappings. */
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
      'With one, a Kafka mapping gives up a batch after ten attempts, and its records are lost (invariant 10).',
      'Leave it out; bad records go to the dead letter (invariant 14).',
    )
  if (options.schemaRegistryConfig !== undefined)
    refuse(
      where,
      'schemaRegistryConfig',
      'given',
      'With one, Lambda decodes records itself, and records that it cannot read never reach the pipeline (invariants 1 and 10).',
      "Leave it out, and set decode of the pipeline's kafkaSource.",
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
      refuse(where, option, value, `A mapping has 1 to ${most} pollers.`, 'Give a whole number in between.')
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

/** Whether a text is known and does not match the form. */
const isNot = (form: RegExp, text: unknown): boolean =>
  text !== undefined && !Token.isUnresolved(text) && (typeof text !== 'string' || !form.test(text))

const BROKER = /^[^\s,:/]+:(\d{1,5})$/

/**
 * The addresses of the brokers as a list. AWS returns them as one text joined by commas, which may only be known during
 * deployment. Such a text, alone or as the only element of an array, is split then.
 */
export function addressesOf(brokers: string | readonly string[]): string[] {
  // A list token is a list already.
  if (Array.isArray(brokers) && (Token.isUnresolved(brokers) || brokers.length > 1)) return [...brokers]
  const [text] = [brokers].flat() as string[]
  return Token.isUnresolved(text) ? Fn.split(',', text!) : text!.split(',').map((broker) => broker.trim())
}

/**
 * Checks the addresses of brokers for the functions' environment. `ports` are the ports of the given kind of login, if
 * it has its own.
 */
export function checkBrokers(where: string, brokers: unknown, ports?: readonly number[]): void {
  const refuseAddress = (value: unknown, rule: string, fix: string) =>
    refuse(where, 'bootstrapServers', shown(value), rule, fix)
  const rule = "A cluster needs at least one broker, each as 'host:port'."
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
        `MSK accepts this login at port ${ports.join(' or ')}.`,
        'Give the addresses that "aws kafka get-bootstrap-brokers" lists for it.',
      )
  }
}
