import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Kafka, type KafkaConfig } from 'kafkajs'
import { ConfigError } from '../../base/index.js'
import { checkConnection, type KafkaConnection } from './connection.js'
import type { Phase } from './failure.js'
import { Sockets } from './sockets.js'

const CONNECT_MS = 3_000
const LOGIN_MS = 5_000
/** All requests only read, so little is lost if one is cut off. */
const CLOSE_MS = 1_000
export const REQUEST_MS = 5_000
/** The isolation level for offsets: the high watermark, not the last stable offset. */
const READ_UNCOMMITTED = 0
/** The index of the connection that kafkajs uses for fetches. */
const FETCH_CONNECTION = 1

/** The parts of kafkajs's internal cluster that are used here; its type declarations omit them. */
export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  refreshMetadata(): Promise<void>
  findTopicPartitionMetadata(topic: string): { readonly partitionId: number; readonly leader: number }[]
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>
  findBroker(at: { nodeId: string }): Promise<Broker>
  findGroupCoordinator(at: { groupId: string }): Promise<Broker>
  fetchTopicsOffset(topics: readonly object[]): Promise<{ partitions: { partition: number; offset: string }[] }[]>
}

interface ConnectionPool {
  getConnection(index: number): Promise<unknown>
  send(request: object): Promise<any>
}

export interface Broker {
  readonly versions: Record<number, { readonly minVersion: number; readonly maxVersion: number }>
  readonly connectionPool: ConnectionPool
  describeConfigs(request: object): Promise<{
    resources: { configEntries: { configName: string; configValue: string }[] }[]
  }>
  offsetFetch(request: object): Promise<{ responses: { partitions: { partition: number; offset: string }[] }[] }>
}

/** A connected cluster, and all of its sockets, so that they can be closed. */
export interface Warm {
  readonly cluster: Cluster
  readonly sockets: Sockets
}

/** A kafkajs client for a connection, without logging and with bounded retries. */
export function kafkaOf(connection: KafkaConnection, more: Partial<KafkaConfig> = {}): Kafka {
  checkConnection(connection)
  const { brokers, ssl, sasl, clientId } = connection
  return new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: clientId ?? 'millrace',
    ...(ssl !== undefined && { ssl: typeof ssl === 'object' ? { ...ssl } : ssl }),
    ...(sasl !== undefined && { sasl: saslOf(sasl) }),
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: LOGIN_MS,
    requestTimeout: REQUEST_MS,
    // Each retry uses the next broker.
    retry: { retries: Math.max(1, brokers.length - 1), initialRetryTime: 50, maxRetryTime: 500 },
    logLevel: kafkajs.logLevel.NOTHING,
    ...more,
  })
}

function saslOf(sasl: NonNullable<KafkaConnection['sasl']>): NonNullable<KafkaConfig['sasl']> {
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl } as NonNullable<KafkaConfig['sasl']>
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) }
}

/** @throws what kafkajs throws, or a ConfigError if its version is not supported */
export async function connect(
  connection: KafkaConnection,
  topic: string,
  onPhase: (phase: Phase) => void,
): Promise<Warm> {
  const sockets = new Sockets()
  const kafka = kafkaOf(connection, { socketFactory: sockets.make })
  const make = Object.getOwnPropertySymbols(kafka).find(
    (symbol) => symbol.description === 'private:Kafka:createCluster',
  )
  if (make === undefined) {
    throw new ConfigError(
      'kafkajs-version',
      'The installed version of the package kafkajs is not supported by Millrace. Install kafkajs@2.2.4.',
    )
  }
  const cluster: Cluster = (kafka as any)[make]({
    allowAutoTopicCreation: false,
    isolationLevel: READ_UNCOMMITTED,
  })
  try {
    await cluster.connect()
    onPhase('first-request')
    await cluster.addTargetTopic(topic)
    return { cluster, sockets }
  } catch (error) {
    void end({ cluster, sockets })
    throw error
  }
}

/** Closes a cluster. It waits a short time for pending requests. A connection that never opens closes itself. */
export async function end(warm: Warm | Promise<Warm> | undefined): Promise<void> {
  if (warm === undefined) return
  const opened = Promise.resolve(warm)
  const closed = opened.then(({ cluster }) => cluster.disconnect()).catch(() => undefined)
  const over = new AbortController()
  await Promise.race([closed, sleep(CLOSE_MS, undefined, { signal: over.signal }).catch(() => undefined)])
  over.abort()
  // A connection that is still opening is closed once it is open; the caller does not wait for that.
  void opened.then(({ sockets }) => sockets.end()).catch(() => undefined)
}

const connecting = new WeakMap<ConnectionPool, Promise<unknown>>()

/** Opens a broker's connection for fetches once, even for concurrent fetches. kafkajs would open one for each. */
export async function connectToFetch(pool: ConnectionPool): Promise<void> {
  let opening = connecting.get(pool)
  if (opening === undefined) {
    opening = pool.getConnection(FETCH_CONNECTION).finally(() => connecting.delete(pool))
    connecting.set(pool, opening)
  }
  await opening
}
