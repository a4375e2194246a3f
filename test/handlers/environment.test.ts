import { afterEach, describe, expect, it, vi } from 'vitest'
import { dynamodbTable, ndjson } from '../../lib/index.js'
import { environmentBindings } from '../../lib/lambda/index.js'
import { sinksIn } from '../../lib/lambda/sinks.js'
import { sourcesIn } from '../../lib/lambda/sources.js'

afterEach(() => vi.unstubAllEnvs())

/** The variables that a stack sets and a function reads. */
const env = (variables: Record<string, string>): void => {
  vi.stubEnv('MILLRACE_STATE', 'memory')
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
}

describe('the environment of a function', () => {
  it('binds sources by stream, topic, and cluster of another', () => {
    const { origins, inspectors } = sourcesIn({
      orders: { stream: 'arn:aws:kinesis:eu-west-1:123456789012:stream/prod-orders' },
      clicks: { topic: 'prod-clicks', brokers: ['b:9096'], credentials: 'env:LOGIN', tls: true },
      views: { topic: 'prod-views', like: 'clicks' },
    })
    expect(origins).toEqual({
      'kinesis:prod-orders': 'orders',
      'kafka:prod-clicks': 'clicks',
      'kafka:prod-views': 'views',
    })
    expect(Object.keys(inspectors)).toEqual(['orders', 'clicks', 'views'])
  })

  it('says what the run and the deployment are, and whether Kafka takes partial answers', async () => {
    env({ MILLRACE_RUN: '3', MILLRACE_DEPLOYMENT: 'prod/orders', MILLRACE_KAFKA_PARTIAL_ANSWERS: 'true' })
    expect(await environmentBindings()).toMatchObject({ run: 3, deployment: 'prod/orders', kafkaPartialAnswers: true })
    env({ MILLRACE_RUN: '', MILLRACE_DEPLOYMENT: '', MILLRACE_KAFKA_PARTIAL_ANSWERS: '' })
    const bindings = await environmentBindings()
    expect(bindings).toMatchObject({ run: 1, kafkaPartialAnswers: false })
    expect(bindings).not.toHaveProperty('deployment')
  })

  it('makes a table of a sink that is a file on a laptop, and leaves all others be', async () => {
    const { sink, resources } = sinksIn({ hourly: 'prod-hourly', revenue: 'prod-revenue' })
    expect(resources).toEqual({ hourly: 'prod-hourly', revenue: 'prod-revenue' })
    const opened = await sink(ndjson('hourly'))
    expect(opened?.check).toBeTypeOf('function')
    await opened?.close()
    expect(sink(dynamodbTable('revenue'))).toBeUndefined()
    expect(sink(ndjson('other'))).toBeUndefined()
  })

  it.each([
    [{ MILLRACE_SOURCES: 'orders' }, /^MILLRACE_SOURCES must be a JSON object by logical name, such as \{"orders"/],
    [{ MILLRACE_SOURCES: '[]' }, /^MILLRACE_SOURCES must be a JSON object/],
    [{ MILLRACE_SOURCES: '{"orders":{}}' }, /gives the source "orders" neither a stream nor a topic with its brokers/],
    [{ MILLRACE_SOURCES: '{"a":{"topic":"a","like":"b"}}' }, /gives the source "a" neither a stream nor a topic/],
    [
      { MILLRACE_SINKS: '{"hourly":1}' },
      /^MILLRACE_SINKS gives the sink "hourly" the place 1; the value must be a JSON object with the name of a table, or s3:/,
    ],
    [{ MILLRACE_RUN: '0' }, /^MILLRACE_RUN must be a whole number from 1; it is "0"\.$/],
    [
      { MILLRACE_KAFKA_PARTIAL_ANSWERS: 'yes' },
      /^MILLRACE_KAFKA_PARTIAL_ANSWERS must be true or false; it is "yes"\.$/,
    ],
  ])('%j is refused with words', async (variables, words) => {
    env(variables)
    await expect(environmentBindings()).rejects.toThrow(words)
  })
})
