import { checkOptions } from '../../base/index.js'
import type { Position, SourceInspector } from '../../ports/index.js'
import type { KafkaConnection } from './connection.js'
import type { KafkaSecrets } from './secret.js'

/**
 * The topic and cluster that a Kafka source is bound to: plain data that a deployment writes into a function's
 * environment. Secrets are only given by reference.
 */
export interface KafkaBinding extends KafkaSecrets {
  readonly topic: string
  /** `host:port` of some brokers, as a list, or as one text joined by commas, as AWS returns it. */
  readonly brokers: readonly string[] | string
  /** The ARN of an MSK cluster, as its events name it. */
  readonly cluster?: string
  /** TLS with the certificate authorities that Node trusts. A root CA or a client certificate turns it on too. */
  readonly tls?: boolean
}

/**
 * The addresses of the brokers as a list, whether they were given as an array, as text joined by commas, or as an array
 * of such texts.
 */
export function brokerList(brokers: KafkaBinding['brokers']): string[] {
  return [brokers]
    .flat()
    .flatMap((text) => String(text).split(','))
    .map((broker) => broker.trim())
}

/** The connection of a binding, with its secrets loaded. */
export async function kafkaConnection({ brokers, tls, ...secrets }: KafkaBinding): Promise<KafkaConnection> {
  const { withKafkaSecrets } = await import('./secret.js')
  return await withKafkaSecrets({ brokers: brokerList(brokers), ...(tls !== undefined && { ssl: tls }) }, secrets)
}

/** The inspector is loaded with the first request, because a function that only counts records does not need it. */
async function open(binding: KafkaBinding): Promise<SourceInspector & { close(): Promise<void> }> {
  const [connection, { kafkaInspector }] = await Promise.all([kafkaConnection(binding), import('./inspector.js')])
  return kafkaInspector({ topic: binding.topic, connection })
}

/**
 * An inspector of a bound topic. Secrets are loaded with the first request, and again after a failure, because they may
 * have been rotated.
 */
export function boundKafkaInspector(binding: KafkaBinding): SourceInspector {
  checkOptions('The binding of a Kafka source', binding, {
    topic: true,
    brokers: true,
    cluster: true,
    tls: true,
    credentials: true,
    mechanism: true,
    rootCa: true,
  })
  let opening: Promise<SourceInspector & { close(): Promise<void> }> | undefined
  const opened = async <R>(ask: (inspector: SourceInspector) => Promise<R>): Promise<R> => {
    opening ??= open(binding)
    try {
      return await ask(await opening)
    } catch (error) {
      const broken = opening
      opening = undefined
      await broken.then((inspector) => inspector.close()).catch(() => undefined)
      throw error
    }
  }
  return {
    bounded: false,
    list: () => opened((inspector) => inspector.list()),
    peek: (split, after) => opened((inspector) => inspector.peek(split, after)),
    end: (split) => opened(async (inspector) => await inspector.end?.(split)),
    verify: (positions: ReadonlyMap<string, Position>) =>
      opened(async (inspector) => (await inspector.verify?.(positions)) ?? []),
    close: async () => {
      await opening?.then((inspector) => inspector.close()).catch(() => undefined)
    },
  }
}
