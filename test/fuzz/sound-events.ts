import fc from 'fast-check'
import {
  count,
  fileSource,
  kafkaSource,
  kinesisSource,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  tumbling,
} from '../../lib/index.js'
import { kafkaEvent, kafkaRecord, kinesisEvent, kinesisRecord } from '../../lib/testing/events.js'
import { aggregate } from '../../lib/testing/kpl-writer.js'
import fileFixture from '../sources/fixtures/file.json' with { type: 'json' }
import mskFixture from '../sources/fixtures/kafka-msk.json' with { type: 'json' }
import selfManagedFixture from '../sources/fixtures/kafka-self-managed.json' with { type: 'json' }
import consumerFixture from '../sources/fixtures/kinesis-consumer.json' with { type: 'json' }
import streamFixture from '../sources/fixtures/kinesis-stream.json' with { type: 'json' }
import windowFixture from '../sources/fixtures/kinesis-window.json' with { type: 'json' }
import { payloadBytes } from './payloads.js'

const options = {
  timestamp: (r: any) => r.t,
  watermark: outOfOrder('2s'),
  maxFutureDrift: '400d',
  onFutureDrift: 'clamp',
} as const
/** One source of each connector, so that an event may claim to be of any. */
export const made: Pipeline = pipeline('fuzzed', { deadLetter: ndjson('dead'), keyGroups: 2, minAdvance: 0 }, (p) =>
  p
    .from(kinesisSource('stream', options), kafkaSource('topic', options), fileSource('file', options))
    .filter((r: any) => r.v >= 0)
    .keyBy((r: any) => r.k)
    .window(tumbling('10s'), { allowedLateness: '10s', late: ndjson('late') })
    .aggregate('w', { n: count() })
    .to(ndjson('out')),
)
export const origins: Readonly<Record<string, string>> = {
  'lambda-stream': 'stream',
  'orders-eu': 'topic',
  clicks: 'topic',
  quakes: 'file',
}
export const sourceOf = (origin: string): string => origins[origin] ?? origin

/**
 * Event time about now and far from it, keys that objects trip over, and values that some filter or fold may not take.
 */
const reading = fc
  .record(
    {
      t: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 60_000 }) },
        fc.constantFrom<unknown>(
          -1,
          -0,
          1.5,
          3.8999e15,
          3.9999e15,
          -3.9999e15,
          4e15,
          1e300,
          '1',
          null,
          {},
          1_700_000_000_000,
        ),
      ),
      k: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom('a', 'b', '__proto__', 'constructor', '\ud800', '') },
        fc.constantFrom<unknown>(1, null, true, [1, 'a'], [[]], {}, 'k'.repeat(3000)),
      ),
      v: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: -1, max: 5 }) },
        fc.constantFrom<unknown>('1', null, {}, [5], { valueOf: 1 }),
      ),
    },
    { requiredKeys: [] },
  )
  .map((value) => JSON.stringify(value))
/** What must be counted, wherever it stands and whatever is beside it. */
export const GOOD = '{"t":1000,"k":"good","v":1}'
const payload: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constant(Buffer.from(GOOD)),
  reading.map((text) => Buffer.from(text)),
  payloadBytes.filter((bytes) => bytes.length < 300),
)
const aggregated = fc
  .array(payload, { maxLength: 4 })
  .map((all) => aggregate(all.map((data) => ({ key: 'k', data: data.toString() }))))
const steps = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 5, maxLength: 5 })

const kinesisEvents = fc
  .tuple(
    fc.array(fc.oneof({ weight: 4, arbitrary: payload }, aggregated), { maxLength: 5 }),
    steps,
    fc.constantFrom('stream', 'lambda-stream'),
    fc.bigInt({ min: 1n, max: 10n ** 56n }),
    fc.boolean(),
  )
  .map(([all, gaps, stream, first, isWindow]) => {
    let sequence = first
    const records = all.map((data, i) => {
      sequence += BigInt(gaps[i]!)
      return kinesisRecord({
        split: 'shardId-000000000001',
        sequence: String(sequence),
        partitionKey: 'k',
        data: data.toString('base64'),
        arrivalMs: 1_700_000_000_000,
        region: 'us-east-1',
        arn: `arn:aws:kinesis:us-east-1:1:stream/${stream}`,
      })
    })
    return { ...JSON.parse(kinesisEvent(records)), ...(isWindow && { window: {}, shardId: 'shardId-000000000001' }) }
  })
const kafkaEvents = fc
  .array(fc.tuple(fc.array(fc.option(payload), { maxLength: 5 }), steps, fc.boolean()), { maxLength: 3 })
  .map((partitions) =>
    JSON.parse(
      kafkaEvent(
        '"eventSource":"aws:kafka"',
        partitions.map(([all, gaps, isByBroker], partition) => {
          let offset = -1
          return [
            `topic-${partition}`,
            all.map((value, i) => {
              offset += gaps[i]!
              return kafkaRecord({
                topic: 'topic',
                partition,
                offset,
                timestamp: 1_700_000_000_000,
                timestampType: isByBroker ? 'LOG_APPEND_TIME' : 'CREATE_TIME',
                key: null,
                value: value?.toString('base64') ?? null,
                headers: '[{"a":[49,-1]}]',
              })
            }),
          ]
        }),
      ),
    ),
  )
const fileEvents = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', '__proto__', '#|;,', '\ud800'), payload), { maxLength: 6 })
  .map((lines) => ({
    eventSource: 'millrace:file',
    source: 'file',
    records: lines.map(([split, data], offset) => ({ split, offset, data: data.toString() })),
  }))
const fixtures = fc.constantFrom<unknown>(
  fileFixture,
  mskFixture,
  selfManagedFixture,
  consumerFixture,
  streamFixture,
  windowFixture,
)
/** Events as their mappings send them: those of the local pollers, and the fixtures. */
export const events: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: kinesisEvents },
  { weight: 3, arbitrary: kafkaEvents },
  { weight: 3, arbitrary: fileEvents },
  fixtures,
)
/** Two events, often of one connector, so that parts of one fit into the other. */
export const eventPairs: fc.Arbitrary<readonly [unknown, unknown]> = fc.oneof(
  fc.tuple(events, events),
  fc.tuple(kinesisEvents, kinesisEvents),
  fc.tuple(kafkaEvents, kafkaEvents),
  fc.tuple(fileEvents, fileEvents),
)
