import { describe, expect, it } from 'vitest'
import { kafkaSource, kinesisSource, ndjson, outOfOrder, pipeline } from '../../lib/index.js'
import { sourcesIn } from '../../lib/lambda/sources.js'
import { Harness } from '../runtime/harness.js'
import { at } from '../runtime/pipelines.js'
import { kafkaEvent, kinesisEvent } from './worlds.js'

const options = { timestamp: (r: { t: number }) => r.t, watermark: outOfOrder('1s') }
const two = (source: typeof kafkaSource) =>
  pipeline('two', { deadLetter: ndjson('dead') }, (p) => {
    p.from(source('near', options)).to(ndjson('near-rows'))
    p.from(source('orders', options)).to(ndjson('orders-rows'))
  })
const arnOf = (account: string): string => `arn:aws:kinesis:us-east-1:${account}:stream/orders`
const streamEvent = (account: string, consumer = '') => {
  const event = kinesisEvent(0, [at(1)], 'orders')
  for (const record of event.Records) record.eventSourceARN = `${arnOf(account)}${consumer}`
  return event
}
const clusterOf = (name: string): string => `arn:aws:kafka:us-east-1:123456789012:cluster/${name}/uuid`
const topicEvent = (from: object) => ({ ...kafkaEvent({ 0: [at(1)] }, 'orders'), ...from })
/** Which of the two sources have accepted records. */
const taken = (world: Harness): string[] => [...world.rows.keys()].sort()

describe('sources of one name in several places', () => {
  it('streams of two accounts go by their ARN, by a consumer too', async () => {
    const { origins } = sourcesIn({ near: { stream: arnOf('1') }, orders: { stream: arnOf('2') } })
    for (const [event, source] of [
      [streamEvent('1'), 'near'],
      [streamEvent('1', '/consumer/c:1'), 'near'],
      [streamEvent('2'), 'orders'],
    ] as const) {
      const world = new Harness(two(kinesisSource), { origins })
      await world.container().ingest(event)
      expect(taken(world)).toEqual([`${source}-rows`])
    }
  })

  it('topics of two clusters go by the ARN of MSK, or by a broker', async () => {
    const { origins } = sourcesIn({
      near: { topic: 'orders', brokers: 'b-1:9098, b-2:9098', cluster: clusterOf('near') },
      orders: { topic: 'orders', brokers: ['k-1:9092', 'k-2:9092'] },
    })
    const own = { eventSource: 'SelfManagedKafka', eventSourceArn: undefined }
    for (const [from, source] of [
      [{ eventSourceArn: clusterOf('near'), bootstrapServers: 'b-9:9098' }, 'near'],
      [{ ...own, bootstrapServers: 'k-2:9092,k-1:9092' }, 'orders'],
      [{ ...own, bootstrapServers: 'k-7:9092, k-2:9092' }, 'orders'],
    ] as const) {
      const world = new Harness(two(kafkaSource), { origins })
      await world.container().ingest(topicEvent(from))
      expect(taken(world)).toEqual([`${source}-rows`])
    }
  })

  it('invariant 10: what comes from a third place is taken for none of them, though one has the name itself', async () => {
    const streams = sourcesIn({ near: { stream: arnOf('1') }, orders: { stream: arnOf('2') } })
    const world = new Harness(two(kinesisSource), { origins: streams.origins })
    await expect(world.container().ingest(streamEvent('3'))).rejects.toThrow(
      `Pipeline "two" has kinesis sources named "orders" in other places, but this event comes from ${arnOf('3')}. Bind origins: { 'orders@${arnOf('3')}': '...' }.`,
    )
    const topics = sourcesIn({
      near: { topic: 'orders', brokers: ['b-1:9098'] },
      orders: { topic: 'orders', brokers: ['k-1:9092'] },
    })
    const kafka = new Harness(two(kafkaSource), { origins: topics.origins })
    const event = topicEvent({ eventSourceArn: undefined, bootstrapServers: undefined })
    await expect(kafka.container().ingest(event)).rejects.toThrow('this event comes from no known place. Bind origins')
    expect(taken(kafka)).toEqual([])
  })

  it('a name that one source alone has is enough, wherever its events come from', () => {
    expect(sourcesIn({ a: { stream: arnOf('1') }, b: { topic: 'orders', brokers: 'k:9092' } }).origins).toEqual({
      'kinesis:orders': 'a',
      'kafka:orders': 'b',
    })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['one stream twice', { a: { stream: arnOf('1') }, b: { stream: arnOf('1') } }, 'kinesis:orders'],
    ['a stream by its name', { a: { stream: 'orders' }, b: { stream: arnOf('1') } }, 'kinesis:orders'],
    ['one topic twice', { a: { topic: 't', brokers: ['b:1'] }, b: { topic: 't', like: 'a' } }, 'kafka:t'],
    ['one broker', { a: { topic: 't', brokers: 'b:1,c:1' }, b: { topic: 't', brokers: 'd:1,c:1' } }, 'kafka:t'],
  ])('%s is refused', (_, bindings, origin) => {
    expect(() => sourcesIn(bindings)).toThrow(
      `MILLRACE_SOURCES binds "a" and "b" to ${origin}, and they cannot be distinguished: a stream is identified by its ARN, a topic by its cluster's ARN or its brokers. Bind each source to its own stream or topic.`,
    )
  })
})
