import kafkajs from 'kafkajs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { RetryableError } from '../../lib/index.js'
import { KafkaTopic } from '../../lib/sources/kafka/client.js'
import type { Cluster } from '../../lib/sources/kafka/cluster.js'
import { Sockets } from '../../lib/sources/kafka/sockets.js'

/** The answers of one leader to the question where the log ends; an error is one that Kafka names. */
function leader(answers: (number | string)[], maxVersion = 5) {
  return {
    refreshMetadata: vi.fn(async () => undefined),
    disconnect: async () => undefined,
    findLeaderForPartitions: () => ({ 1: [0] }),
    findBroker: async () => ({ versions: { 2: { minVersion: 1, maxVersion } } }),
    fetchTopicsOffset: vi.fn(async () => {
      const answer = answers.shift()!
      if (typeof answer === 'number') return [{ partitions: [{ partition: 0, offset: String(answer) }] }]
      throw Object.assign(new kafkajs.KafkaJSProtocolError(`no end: ${answer}`), { type: answer })
    }),
  }
}

function topicOf(cluster: ReturnType<typeof leader>): KafkaTopic {
  return new KafkaTopic({ brokers: ['localhost:1'] }, 'orders', async () => ({
    cluster: cluster as unknown as Cluster,
    sockets: new Sockets(),
  }))
}

describe('the end of a log after a change of leader', () => {
  afterEach(() => vi.restoreAllMocks())

  it('is asked for again while a new leader lags', async () => {
    // What a broker answers to versions before 5 where it knows OFFSET_NOT_AVAILABLE.
    const cluster = leader(['LEADER_NOT_AVAILABLE', 3])
    expect(await topicOf(cluster).end(0)).toEqual({ offset: 3, isSure: true })
    expect(cluster.fetchTopicsOffset).toHaveBeenCalledTimes(2)
    // Who leads is asked each time.
    expect(cluster.refreshMetadata).toHaveBeenCalledTimes(2)
  })

  it('is never guessed: one that lags for long is a failure, not an end', async () => {
    const cluster = leader(Array<string>(10).fill('LEADER_NOT_AVAILABLE'))
    await expect(topicOf(cluster).end(0)).rejects.toThrow(RetryableError)
    expect(cluster.fetchTopicsOffset).toHaveBeenCalledTimes(3)
  })

  it('is not sure where brokers do not refuse the question', async () => {
    expect(await topicOf(leader([3], 4)).end(0)).toEqual({ offset: 3, isSure: false })
  })

  it('a client that is closed while it connects does not wait for that, and asks nothing more', async () => {
    const topic = new KafkaTopic({ brokers: ['localhost:1'] }, 'orders', () => new Promise(() => undefined))
    const asked = topic.end(0).catch((error) => error)
    await topic.close()
    await expect(topic.end(0)).rejects.toMatchObject({ code: 'closed' })
    // The question under way ends by its own deadline.
    expect(await asked).toBeInstanceOf(RetryableError)
  })
})
