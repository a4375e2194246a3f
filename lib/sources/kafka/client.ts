import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { AssertionFault, ConfigError, RetryableError } from '../../base/index.js'
import { type Broker, type Cluster, connect, connectToFetch, end, REQUEST_MS, type Warm } from './cluster.js'
import { checkConnection, type KafkaConnection } from './connection.js'
import { explainKafka, type Phase } from './failure.js'
import { decodeFetch, encodeFetch, FETCH, type FetchedPartition, type FetchLimits, type Wanted } from './fetch.js'
import type { Decompress } from './records.js'

/** The bounds of a partition's log: its first offset, and the one after its last. */
export interface PartitionOffsets {
  readonly low: number
  readonly high: number
}

/** The end of a partition's log, as its leader reports it. */
export interface LogEnd {
  readonly offset: number
  /** Whether it is certain that no record after `offset` was committed before the request. */
  readonly isSure: boolean
}

/** The timeout of one attempt, including a new connection if needed. kafkajs has no timeout for some of its steps. */
const TRY_MS = 8_000
const TRIES_MAX = 3
/** No further attempt begins after this time. */
const CALL_MS = 6_000
const PAUSE_MS = 200
/** The API key of ListOffsets, and the version since which the returned offsets never go back. */
const LIST_OFFSETS = 2
const MONOTONIC_OFFSETS = 5
/** The resource type of a topic's configuration. */
const OF_TOPIC = 2
const NOT_ALLOWED = new Set(['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'])

/**
 * The requests that Millrace makes to one topic. It uses no consumer group and no subscription, and keeps one
 * connection, which is reopened after an error. kafkajs only offers fetches within a consumer group, and joining one
 * would trigger a rebalance. So this class uses kafkajs's internal cluster, on which its consumers are built.
 */
export class KafkaTopic {
  readonly topic: string
  readonly connection: KafkaConnection
  private warm: Promise<Warm> | undefined
  private isClosed = false

  private readonly connect: (onPhase: (phase: Phase) => void) => Promise<Warm>

  constructor(connection: KafkaConnection, topic: string, connectBy: typeof connect = connect) {
    this.connect = (onPhase) => connectBy(connection, topic, onPhase)
    checkConnection(connection)
    this.connection = connection
    this.topic = topic
  }

  /** The current partitions. */
  partitions(): Promise<number[]> {
    return this.call(async (cluster) => {
      await cluster.refreshMetadata()
      const partitions = cluster.findTopicPartitionMetadata(this.topic)
      return partitions.map(({ partitionId }) => partitionId).sort((a, b) => a - b)
    })
  }

  /** The bounds of every partition's log. */
  offsets(): Promise<Map<number, PartitionOffsets>> {
    return this.call(async (cluster) => {
      await cluster.refreshMetadata()
      const partitions = cluster
        .findTopicPartitionMetadata(this.topic)
        .map(({ partitionId: partition }) => ({ partition }))
      const bound = async (fromBeginning: boolean) => {
        const [answer] = await cluster.fetchTopicsOffset([{ topic: this.topic, fromBeginning, partitions }])
        return new Map(answer?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
      }
      // The low bound is read first, so that the bounds stay valid if the log grows between the two responses.
      const low = await bound(true)
      const high = await bound(false)
      return new Map(
        [...high].map(([partition, offset]) => [partition, { low: low.get(partition) ?? 0, high: offset }]),
      )
    })
  }

  /**
   * The end of a partition's log. A new leader may not know yet that the last records are committed, and a fetch then
   * ends before them. `isSure` is true if this cannot have happened: brokers that support version 5 of ListOffsets (2.2
   * and later) refuse the request until the leader knows, whichever version the request has (KIP-207). The request goes
   * to the current leader.
   */
  end(partition: number): Promise<LogEnd | undefined> {
    return this.call(async (cluster) => {
      await cluster.refreshMetadata()
      const [nodeId] = Object.keys(cluster.findLeaderForPartitions(this.topic, [partition]))
      if (nodeId === undefined) return undefined
      const [answer] = await cluster.fetchTopicsOffset([
        { topic: this.topic, fromBeginning: false, partitions: [{ partition }] },
      ])
      const found = answer?.partitions.find((one) => one.partition === partition)
      if (found === undefined) return undefined
      const known = (await cluster.findBroker({ nodeId })).versions[LIST_OFFSETS]
      return { offset: Number(found.offset), isSure: (known?.maxVersion ?? 0) >= MONOTONIC_OFFSETS }
    })
  }

  /** Some settings of the topic; undefined if the login is not allowed to read them. */
  configuration(names: readonly string[]): Promise<Map<string, string> | undefined> {
    return this.call(async (cluster) => {
      const [partition] = cluster.findTopicPartitionMetadata(this.topic)
      if (partition === undefined) return undefined
      const broker = await cluster.findBroker({ nodeId: String(partition.leader) })
      const resources = [{ type: OF_TOPIC, name: this.topic, configNames: names }]
      try {
        const [found] = (await broker.describeConfigs({ resources })).resources
        return new Map(found?.configEntries.map(({ configName, configValue }) => [configName, configValue]))
      } catch (error) {
        if (NOT_ALLOWED.has(String((error as { type?: string }).type))) return undefined
        throw error
      }
    })
  }

  /**
   * Fetches record batches from the given offsets on, from the partitions' leaders. A partition without a response
   * (throttled) is missing.
   */
  fetch(wanted: readonly Wanted[], limits: FetchLimits): Promise<Map<number, FetchedPartition>> {
    return this.call(async (cluster) => {
      const leaders = cluster.findLeaderForPartitions(
        this.topic,
        wanted.map(({ partition }) => partition),
      )
      const answers = await Promise.all(
        Object.entries(leaders).map(async ([nodeId, partitions]) => {
          const broker = await cluster.findBroker({ nodeId })
          const asked = wanted.filter(({ partition }) => partitions.includes(partition))
          return (await this.send(broker, asked, limits)) as FetchedPartition[]
        }),
      )
      const found = new Map<number, FetchedPartition>()
      for (const answer of answers.flat()) found.set(answer.partition, answer)
      return found
    })
  }

  /** The committed offsets of a consumer group: the next offset that it will read, or -1. */
  committed(group: string): Promise<Map<number, number>> {
    return this.call(async (cluster) => {
      const partitions = cluster
        .findTopicPartitionMetadata(this.topic)
        .map(({ partitionId: partition }) => ({ partition }))
      const coordinator = await cluster.findGroupCoordinator({ groupId: group })
      const { responses } = await coordinator.offsetFetch({
        groupId: group,
        topics: [{ topic: this.topic, partitions }],
      })
      return new Map(
        responses.flatMap((of) => of.partitions.map(({ partition, offset }) => [partition, Number(offset)])),
      )
    }, group)
  }

  readonly decompress: Decompress = async (compression, bytes) => {
    const codec = (kafkajs.CompressionCodecs as Record<number, () => { decompress(bytes: Buffer): Promise<Buffer> }>)[
      compression
    ]
    if (codec === undefined)
      throw new AssertionFault(`a Kafka compression is one that kafkajs knows, not ${compression}`)
    return codec().decompress(bytes)
  }

  /** Pending requests fail and are not retried, because a connection that stays open keeps the process alive. */
  async close(): Promise<void> {
    this.isClosed = true
    const { warm } = this
    this.warm = undefined
    await end(warm)
  }

  private async send(broker: Broker, wanted: readonly Wanted[], limits: FetchLimits): Promise<FetchedPartition[]> {
    const known = broker.versions[FETCH.key]
    if (known !== undefined && (known.minVersion > FETCH.version || known.maxVersion < FETCH.version)) {
      throw new ConfigError(
        'kafka-version',
        `The Kafka brokers support Fetch versions ${known.minVersion} to ${known.maxVersion}; Millrace needs version ${FETCH.version}, which Apache Kafka 1.0 to 4.x support.`,
      )
    }
    const body = encodeFetch(this.topic, wanted, limits)
    await connectToFetch(broker.connectionPool)
    const answer: FetchedPartition[] = await broker.connectionPool.send({
      // The interface of kafkajs's own encoder, which copies these bytes after its header.
      request: {
        apiKey: FETCH.key,
        apiVersion: FETCH.version,
        apiName: 'Fetch',
        encode: async () => ({ buf: body, buffer: body }),
      },
      response: {
        decode: async (bytes: Buffer) => decodeFetch(bytes),
        parse: async (partitions: unknown) => partitions,
      },
      requestTimeout: REQUEST_MS + limits.waitMs,
    })
    for (const { partition, error } of answer) {
      // Any other error means that the leader moved or the topic was deleted; a new connection finds out.
      if (error !== 0 && error !== OFFSET_OUT_OF_RANGE) {
        throw Object.assign(new Error(`Fetch of ${this.topic}-${partition} answered error ${error}`), {
          name: 'KafkaProtocolError',
          ...(error === UNKNOWN_TOPIC && { type: 'UNKNOWN_TOPIC_OR_PARTITION' }),
          ...(error === TOPIC_FORBIDDEN && { type: 'TOPIC_AUTHORIZATION_FAILED' }),
        })
      }
    }
    return answer
  }

  /** Sends a request on the open connection, and retries a few times on new ones. Every attempt has a timeout. */
  private async call<R>(work: (cluster: Cluster) => Promise<R>, group?: string): Promise<R> {
    const started = performance.now()
    for (let tries = 1; ; tries++) {
      if (this.isClosed) throw new RetryableError('closed', `The client of the topic "${this.topic}" is closed.`)
      let phase: Phase = 'connect'
      this.warm ??= this.connect((reached) => {
        phase = reached
      })
      const { warm } = this
      try {
        return await within(
          TRY_MS,
          warm.then(({ cluster }) => {
            phase = 'request'
            return work(cluster)
          }),
        )
      } catch (error) {
        if (this.warm === warm) this.warm = undefined
        void end(warm)
        const asked = { connection: this.connection, topic: this.topic, phase, ...(group !== undefined && { group }) }
        const explained = explainKafka(error, asked)
        // A missing login looks like a broker that is shutting down. The next attempt distinguishes them.
        const isFinal =
          !(explained instanceof RetryableError) && explained.code !== 'no-login' && explained.code !== 'wants-tls'
        if (isFinal || tries >= TRIES_MAX || performance.now() - started > CALL_MS) throw explained
        await sleep(randomInt(PAUSE_MS, 2 * PAUSE_MS))
      }
    }
  }
}

const OFFSET_OUT_OF_RANGE = 1
const UNKNOWN_TOPIC = 3
const TOPIC_FORBIDDEN = 29

async function within<R>(ms: number, work: Promise<R>): Promise<R> {
  work.catch(() => undefined)
  const timer = new AbortController()
  try {
    return await Promise.race([
      work,
      sleep(ms, undefined, { signal: timer.signal }).then(() => {
        throw Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })
      }),
    ])
  } finally {
    timer.abort()
  }
}
