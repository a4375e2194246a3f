import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventShapeError } from '../../lib/base/index.js'
import { Defect } from '../../lib/ports/index.js'
import { kafkaDecoder } from '../../lib/sources/kafka/decoder.js'
import msk from './fixtures/kafka-msk.json' with { type: 'json' }
import selfManaged from './fixtures/kafka-self-managed.json' with { type: 'json' }
import { payloads } from './payloads.js'

const decoder = kafkaDecoder()
const decode = (event: unknown) => decoder.decode(event, (origin) => `source of ${origin}`)
const eventOf = (...records: unknown[]) => ({ eventSource: 'aws:kafka', records: { 'clicks-0': records } })

describe('a Kafka event', () => {
  it('is known by its event source', () => {
    expect([msk, selfManaged].map(decoder.matches)).toEqual([true, true])
    for (const other of [null, [], 'aws:kafka', {}, { eventSource: 'aws:kinesis' }]) {
      expect(decoder.matches(other)).toBe(false)
    }
  })

  it('is one batch for each topic-partition', () => {
    const batches = decode(msk)
    expect(batches.map(({ source, split, count }) => [source, split, count])).toEqual([
      ['source of orders-eu', 'orders-eu-1', 3],
      ['source of orders-eu', 'orders-eu-0', 2],
    ])
    const [one, zero] = batches
    expect([0, 1, 2].map((i) => one!.position(i))).toEqual([
      '00000000000000000015',
      '00000000000000000016',
      '00000000000000000019',
    ])
    expect(zero!.position(0)).toBe('00000000004294967296')
    expect(payloads(one!)).toEqual(['{"order":1}', Defect.tombstone, '{"order":3}'])
    expect([0, 1, 2].map((i) => one!.unitEnd(i))).toEqual([1, 2, 3])
    expect([0, 1, 2].map((i) => one!.stampMs!(i))).toEqual([1545084650987, 1545084650987, 1545084651000])
  })

  it('may come from a self-managed cluster, and a partition of it may be empty', () => {
    const batches = decode(selfManaged)
    expect(batches.map(({ source, split }) => [source, split])).toEqual([
      ['source of clicks', 'clicks-0'],
      ['source of clicks', 'clicks-10'],
    ])
    expect(batches[0]!.key(0)).toBe('Zoë')
    expect(payloads(batches[1]!)).toEqual(['{"click":2}'])
    expect(decode({ eventSource: 'aws:kafka', records: {} })).toEqual([])
  })

  it('tells a missing key from an empty one', () => {
    const [one, zero] = decode(msk)
    expect([0, 1, 2].map((i) => one!.key(i))).toEqual(['cust-1', 'cust-2', null])
    expect([0, 1].map((i) => zero!.key(i))).toEqual([null, ''])
  })

  it('has keys as bytes, and as text only where they are text', () => {
    const ids = [132, 133, 200, 65].map((id) => Buffer.from([0, 0, 0, 0, 0, 0, 0, id]))
    const [batch] = decode(eventOf(...ids.map((id, offset) => ({ offset, key: id.toString('base64') })), { offset: 9 }))
    expect(ids.map((_, i) => batch!.key(i))).toEqual([null, null, null, `${'\0'.repeat(7)}A`])
    expect(ids.map((_, i) => batch!.keyBytes(i))).toEqual(ids)
    expect([batch!.key(4), batch!.keyBytes(4)]).toEqual([null, null])
    const [odd] = decode(eventOf({ offset: 1, key: Buffer.from('a\ufffd').toString('base64') }))
    expect(odd!.key(0)).toBe('a\ufffd')
  })

  it('has headers as signed bytes, the last of a name counting', () => {
    const [one] = decode(msk)
    const text = (index: number, name: string) => Buffer.from(one!.header(index, name)!).toString()
    expect(text(0, 'headerKey')).toBe('headerValue')
    expect(text(0, 'city')).toBe('Köln')
    expect(text(2, 'try')).toBe('2')
    for (const absent of ['none', 'toString', '__proto__', 'City']) expect(one!.header(2, absent)).toBeUndefined()
    const [odd] = decode(eventOf({ offset: 1, value: null, headers: [null, 7, { a: 'text' }] }, { offset: 2 }))
    expect(odd!.header(0, 'a')).toBeUndefined()
    expect(odd!.header(1, 'a')).toBeUndefined()
  })

  it('has an arrival time where the broker wrote the stamp, and not where the producer did', () => {
    const [one, zero] = decode(msk)
    expect([0, 1, 2].map((i) => one!.arrivalMs(i))).toEqual([undefined, undefined, undefined])
    expect([0, 1].map((i) => zero!.arrivalMs(i))).toEqual([1545084650987, 1545084650988])
    expect([0, 1].map((i) => zero!.stampMs!(i))).toEqual([1545084650987, 1545084650988])
    const types = ['CREATE_TIME', 'NO_TIMESTAMP_TYPE', undefined, null, 1, 'log_append_time']
    const [odd] = decode(eventOf(...types.map((timestampType, offset) => ({ offset, timestamp: 5, timestampType }))))
    for (const i of types.keys()) expect([odd!.arrivalMs(i), odd!.stampMs!(i)]).toEqual([undefined, 5])
  })

  it('may lack a time', () => {
    const timestampType = 'LOG_APPEND_TIME'
    const times = [{}, { timestamp: -1 }, { timestamp: null }, { timestamp: 0 }]
    const [batch] = decode(eventOf(...times.map((time, offset) => ({ offset, timestampType, ...time }))))
    expect(times.map((_, i) => batch!.arrivalMs(i))).toEqual([undefined, undefined, undefined, 0])
    expect(times.map((_, i) => batch!.stampMs!(i))).toEqual([undefined, undefined, undefined, 0])
    expect(payloads(batch!)).toEqual(times.map(() => Defect.tombstone))
  })

  it('sorts positions as offsets', () => {
    const offset = fc.oneof(fc.maxSafeNat(), fc.nat(20))
    const positionOf = (at: number) => decode(eventOf({ offset: at }))[0]!.position(0)
    fc.assert(fc.property(offset, offset, (a, b) => positionOf(a) < positionOf(b) === a < b))
    expect('0' < positionOf(0)).toBe(true)
  })
})

describe('a malformed Kafka event', () => {
  it.each([
    [null, 'itself to be an object; it is null'],
    [{}, 'records to be an object of topic-partitions; it is missing'],
    [{ records: [] }, 'records to be an object of topic-partitions; it is an array'],
    [{ records: { 'a-0': null } }, 'records["a-0"] to be an array; it is null'],
    [{ records: { clicks: [] } }, `the name of records["clicks"] to be a topic, '-' and a partition`],
    [{ records: { '-1': [] } }, 'the name of records["-1"]'],
    [eventOf(null), 'records["clicks-0"][0] to be an object; it is null'],
    [eventOf({}), 'records["clicks-0"][0].offset to be a whole number from 0 to 2^53 - 1; it is missing'],
    [eventOf({ offset: 2 ** 53 }), 'offset to be a whole number'],
    [eventOf({ offset: -1 }), 'offset to be a whole number'],
    [eventOf({ offset: 1, timestamp: 'now' }), 'timestamp to be whole milliseconds'],
    [eventOf({ offset: 1, key: 5 }), 'key to be a base64 text or null; it is a number'],
    [eventOf({ offset: 1, value: {} }), 'value to be a base64 text or null; it is an object'],
    [eventOf({ offset: 1, headers: {} }), 'headers to be an array; it is an object'],
    [eventOf({ offset: 1 }, { offset: 1 }), 'ascending order; records["clicks-0"][1] does not come after'],
    [eventOf({ offset: 2 }, { offset: 1 }), 'ascending order'],
  ])('says what it lacks: %#', (event, message) => {
    expect(() => decode(event)).toThrow(EventShapeError)
    expect(() => decode(event)).toThrow(message)
  })

  it('throws nothing but EventShapeError, whatever it is', () => {
    const noise = fc.jsonValue()
    const near = fc.record(
      {
        offset: fc.oneof(fc.nat(9), noise),
        timestamp: fc.oneof(fc.integer(), noise),
        timestampType: fc.oneof(fc.constantFrom('CREATE_TIME', 'LOG_APPEND_TIME'), noise),
        key: fc.oneof(fc.string(), noise),
        value: fc.oneof(fc.string(), noise),
        headers: fc.oneof(fc.array(fc.oneof(noise, fc.dictionary(fc.string(), noise))), noise),
      },
      { requiredKeys: [] },
    )
    const name = fc.oneof(fc.string(), fc.constantFrom('a-0', 'b-1', '__proto__'))
    const event = fc.oneof(
      noise,
      fc.record({ records: fc.dictionary(name, fc.oneof(noise, fc.array(fc.oneof(near, noise)))) }),
    )
    fc.assert(
      fc.property(event, (any) => {
        decoder.matches(any)
        try {
          for (const batch of decode(any)) payloads(batch)
        } catch (error) {
          expect(error).toBeInstanceOf(EventShapeError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('the partial answer', () => {
  it('lists the first undone record of a partition and all after it', () => {
    const [one, zero] = decode(msk)
    const answer = decoder.partialAnswer([
      { batch: one!, index: 2 },
      { batch: one!, index: 1 },
      { batch: zero!, index: 1 },
    ])
    expect(answer).toEqual({
      batchItemFailures: [
        { itemIdentifier: { partition: 'orders-eu-1', offset: 16 } },
        { itemIdentifier: { partition: 'orders-eu-1', offset: 19 } },
        { itemIdentifier: { partition: 'orders-eu-0', offset: 4294967297 } },
      ],
    })
  })

  it('is empty for full success', () => {
    expect(decoder.partialAnswer([])).toEqual({ batchItemFailures: [] })
  })
})
