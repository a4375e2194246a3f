import { describe, expect, it } from 'vitest'
import { buildEvent, EVENT_BYTES_MAX } from '../../lib/dev/poller/events.js'
import { fileDecoder } from '../../lib/sources/file/decoder.js'
import { kafkaDecoder } from '../../lib/sources/kafka/decoder.js'
import { kinesisDecoder } from '../../lib/sources/kinesis/decoder.js'
import { payloads } from '../sources/payloads.js'
import { inputOf, numbered, whole } from './inputs.js'

const ARRIVAL = 1_700_000_000_123
const odd = ['{"k":"a"}', 'no JSON', '"\\u2028"', `"${'ü\u2028😀'}"`, ' ', '{"quote":"\\""}']

describe('the event of a mapping is what the decoder of its source reads', () => {
  it.each([
    ['kinesis', kinesisDecoder()],
    ['kafka', kafkaDecoder()],
    ['file', fileDecoder()],
  ] as const)('%s', (connector, decoder) => {
    const input = inputOf(connector, [odd], 'a-b.c')
    const built = buildEvent(input, [whole(input)], ARRIVAL)
    const event = JSON.parse(built.json)
    expect(built.ranges).toEqual([whole(input)])
    expect(decoder.matches(event)).toBe(true)
    const [batch, ...more] = decoder.decode(event, (origin) => origin)
    expect(more).toEqual([])
    expect([batch!.source, batch!.split, batch!.count]).toEqual(['a-b.c', input.logs[0]!.split, odd.length])
    expect(payloads(batch!)).toEqual(odd)
    for (let i = 0; i < odd.length; i++) {
      // Positions are those that a resumed run counts on.
      expect(batch!.position(i)).toBe(input.numbering.position(i))
      expect(input.numbering.index(batch!.position(i))).toBe(i)
    }
    // As a topic is by default: its stamps are no arrival times.
    expect(batch!.arrivalMs(0)).toBe(connector === 'file' ? undefined : ARRIVAL)
    expect(batch!.stampMs?.(0)).toBe(connector === 'kafka' ? ARRIVAL : undefined)
    if (connector !== 'file') expect(batch!.key(1)).toBe('key 1')
    if (connector === 'kafka') expect(batch!.key(0)).toBe(null)
  })

  it('a Kinesis event, record by record', () => {
    const input = inputOf('kinesis', [['{"a":1}']])
    expect(JSON.parse(buildEvent(input, [whole(input)], ARRIVAL).json)).toEqual({
      Records: [
        {
          kinesis: {
            kinesisSchemaVersion: '1.0',
            partitionKey: '-',
            sequenceNumber: `495903382714902566085596925383615710959215759${'0'.repeat(11)}`,
            data: 'eyJhIjoxfQ==',
            approximateArrivalTimestamp: 1_700_000_000.123,
          },
          eventSource: 'aws:kinesis',
          eventVersion: '1.0',
          eventID: `shardId-000000000000:495903382714902566085596925383615710959215759${'0'.repeat(11)}`,
          eventName: 'aws:kinesis:record',
          invokeIdentityArn: 'arn:aws:iam::123456789012:role/millrace',
          awsRegion: 'us-east-1',
          eventSourceARN: 'arn:aws:kinesis:us-east-1:123456789012:stream/clicks',
        },
      ],
    })
  })

  it('a Kafka event holds several partitions', () => {
    const input = inputOf('kafka', [numbered(3, 0), numbered(0, 1), numbered(2, 2)])
    const built = buildEvent(
      input,
      input.logs.map((_, i) => whole(input, i)),
      ARRIVAL,
    )
    const event = JSON.parse(built.json)
    expect(Object.keys(event)).toEqual(['eventSource', 'eventSourceArn', 'bootstrapServers', 'records'])
    expect(Object.keys(event.records)).toEqual(['clicks-0', 'clicks-2'])
    expect(event.records['clicks-2'][1]).toEqual({
      topic: 'clicks',
      partition: 2,
      offset: 1,
      timestamp: ARRIVAL,
      timestampType: 'LOG_APPEND_TIME',
      key: Buffer.from('key 1').toString('base64'),
      value: Buffer.from('{"split":2,"i":1}').toString('base64'),
      headers: [],
    })
    expect(built.ranges.map((range) => range.log.split)).toEqual(['clicks-0', 'clicks-2'])
    const batches = kafkaDecoder().decode(event, (origin) => origin)
    expect(batches.map((batch) => [batch.split, batch.count])).toEqual([
      ['clicks-0', 3],
      ['clicks-2', 2],
    ])
  })
})

describe('invariant 11: an event has at most 6 MB', () => {
  const line = (bytes: number): string => JSON.stringify('ü'.repeat(Math.floor((bytes - 2) / 2)))

  it.each(['kinesis', 'kafka', 'file'] as const)('%s: cut at a record, and the rest comes next', (connector) => {
    const input = inputOf(connector, [Array.from({ length: 10 }, () => line(1_000_000))], 'c'.repeat(60))
    let from = 0
    let events = 0
    while (from < 10) {
      const built = buildEvent(input, [{ ...whole(input), from }], ARRIVAL)
      expect(Buffer.byteLength(built.json)).toBeLessThanOrEqual(EVENT_BYTES_MAX)
      expect(built.ranges[0]!.from).toBe(from)
      from = built.ranges[0]!.to
      events++
    }
    expect(events).toBe(connector === 'file' ? 2 : 3)
  })

  it('a record that is larger alone comes alone', () => {
    const input = inputOf('file', [[line(100), line(7_000_000), line(100)]])
    expect(buildEvent(input, [whole(input)], ARRIVAL).ranges[0]).toMatchObject({ from: 0, to: 1 })
    expect(buildEvent(input, [{ ...whole(input), from: 1 }], ARRIVAL).ranges[0]).toMatchObject({ from: 1, to: 2 })
  })

  it('never a byte over, with two hundred partitions and records of every size', () => {
    for (let size = 20_000; size < 20_400; size += 37) {
      const input = inputOf(
        'kafka',
        Array.from({ length: 200 }, () => [line(size), line(size)]),
        'c'.repeat(60),
      )
      const built = buildEvent(
        input,
        input.logs.map((_, i) => whole(input, i)),
        ARRIVAL,
      )
      expect(Buffer.byteLength(built.json), `${size}`).toBeLessThanOrEqual(EVENT_BYTES_MAX)
    }
  })
})
