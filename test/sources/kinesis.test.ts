import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventShapeError } from '../../lib/base/index.js'
import { Defect, type SplitBatch } from '../../lib/ports/index.js'
import { kinesisDecoder } from '../../lib/sources/kinesis/decoder.js'
import { aggregate, bytes, damage, varint } from '../../lib/testing/kpl-writer.js'
import consumer from './fixtures/kinesis-consumer.json' with { type: 'json' }
import stream from './fixtures/kinesis-stream.json' with { type: 'json' }
import window from './fixtures/kinesis-window.json' with { type: 'json' }
import { payload, payloads } from './payloads.js'

const decoder = kinesisDecoder()
const nameOf = (origin: string) => `source of ${origin}`
const decode = (event: unknown) => decoder.decode(event, nameOf)
const SEQUENCE = stream.Records.map((record) => record.kinesis.sequenceNumber)

/** An event of one shard; each datum is the bytes of a record. */
function eventOf(...data: Buffer[]) {
  const template = stream.Records[0]!
  const Records = data.map((datum, i) => {
    const sequenceNumber = String(BigInt(SEQUENCE[0]!) + BigInt(i))
    const kinesis = { ...template.kinesis, sequenceNumber, partitionKey: `outer-${i}`, data: datum.toString('base64') }
    return { ...template, kinesis, eventID: `shardId-000000000006:${sequenceNumber}` }
  })
  return { Records }
}

const onlyOf = (batches: SplitBatch[]): SplitBatch => {
  expect(batches).toHaveLength(1)
  return batches[0]!
}

describe('a Kinesis event', () => {
  it('is known by its first record', () => {
    expect([stream, consumer, window, { Records: [] }].map(decoder.matches)).toEqual([true, true, true, true])
    for (const other of [null, 1, 'Records', {}, { Records: {} }, { Records: [null] }, { Records: 'x' }]) {
      expect(decoder.matches(other)).toBe(false)
    }
    expect(decoder.matches({ Records: [{ eventSource: 'aws:dynamodb' }] })).toBe(false)
    expect(decoder.matches({ Records: [], eventSource: 'aws:kafka' })).toBe(false)
  })

  it('is one batch of its shard', () => {
    const batch = onlyOf(decode(stream))
    expect(batch).toMatchObject({ source: 'source of lambda-stream', split: 'shardId-000000000006', count: 3 })
    expect(batch.position(0)).toBe(`056:${SEQUENCE[0]}`)
    expect([0, 1, 2].map((i) => batch.arrivalMs(i))).toEqual([1545084650987, 1545084711166, 1545084712000])
    expect([0, 1, 2].map((i) => batch.key(i))).toEqual(['order-1', 'order-2', 'order-3'])
    expect([0, 1, 2].map((i) => batch.unitEnd(i))).toEqual([1, 2, 3])
    expect(batch.header(0, 'any')).toBeUndefined()
    expect(payloads(batch)).toEqual(['{"order":1,"name":"Ada"}', '{"order":2,"name":"Zoë"}', '{"order":3,"name":"李"}'])
  })

  it('may come from an enhanced fan-out consumer', () => {
    expect(onlyOf(decode(consumer))).toMatchObject({ source: 'source of lambda-stream', count: 2 })
  })

  it('may belong to a tumbling window, which names the shard', () => {
    expect(onlyOf(decode(window)).split).toBe('shardId-000000000006')
    const { eventID: _, ...bare } = window.Records[0]!
    expect(onlyOf(decode({ ...window, Records: [bare] })).split).toBe('shardId-000000000006')
    expect(decode({ ...window, Records: [], isFinalInvokeForWindow: true })).toEqual([])
  })

  it('may hold several shards, whose order it keeps', () => {
    const [a, b, c] = stream.Records
    const other = { ...b!, eventID: `shardId-000000000007:${SEQUENCE[1]}` }
    const batches = decode({ Records: [a, other, c] })
    expect(batches.map((batch) => [batch.split, batch.count])).toEqual([
      ['shardId-000000000006', 2],
      ['shardId-000000000007', 1],
    ])
    expect(batches[0]!.position(1)).toBe(`056:${SEQUENCE[2]}`)
  })

  it('keeps apart the same shard of two streams', () => {
    const [a, b] = stream.Records
    const other = { ...b!, eventSourceARN: a!.eventSourceARN.replace('lambda-stream', 'other') }
    expect(decode({ Records: [a, other] }).map((batch) => batch.source)).toEqual([
      'source of lambda-stream',
      'source of other',
    ])
  })

  it('passes on what nameOf throws', () => {
    const unknown = new Error('no such source')
    const thrower = () => {
      throw unknown
    }
    expect(() => decoder.decode(stream, thrower)).toThrow(unknown)
  })

  it('tells bad base64', () => {
    const record = (data: string) => {
      const event = eventOf(Buffer.from('1'))
      event.Records[0]!.kinesis.data = data
      return payload(onlyOf(decode(event)), 0)
    }
    for (const bad of ['A', 'AA', 'AAA', 'e30', 'e30=e30=', 'e3 0', 'e30\n', '!!!!', '====', 'e3=0', 'e30=====']) {
      expect(record(bad), bad).toBe(Defect.badBase64)
    }
    expect(record('e30=')).toBe('{}')
    expect(record('')).toBe('')
  })
})

describe('a malformed Kinesis event', () => {
  const record = stream.Records[0]!
  const withKinesis = (change: object) => ({ Records: [{ ...record, kinesis: { ...record.kinesis, ...change } }] })
  it.each([
    [null, 'itself to be an object; it is null'],
    [{}, 'Records to be an array; it is missing'],
    [{ Records: {} }, 'Records to be an array; it is an object'],
    [{ Records: [null] }, 'Records[0].kinesis to be an object; it is missing'],
    [{ Records: [record, {}] }, 'Records[1].kinesis to be an object'],
    [{ ...window, shardId: 6 }, 'shardId to be the name of a shard; it is a number'],
    [withKinesis({ data: null }), 'Records[0].kinesis.data to be a base64 text; it is null'],
    [withKinesis({ partitionKey: undefined }), 'Records[0].kinesis.partitionKey to be a text; it is missing'],
    [withKinesis({ sequenceNumber: 5 }), 'Records[0].kinesis.sequenceNumber to be 1 to 129 digits as text'],
    [withKinesis({ sequenceNumber: '012' }), 'Records[0].kinesis.sequenceNumber'],
    [withKinesis({ sequenceNumber: '1e5' }), 'Records[0].kinesis.sequenceNumber'],
    [withKinesis({ sequenceNumber: '1\n' }), 'Records[0].kinesis.sequenceNumber'],
    [withKinesis({ sequenceNumber: '1'.repeat(130) }), 'Records[0].kinesis.sequenceNumber'],
    [withKinesis({ approximateArrivalTimestamp: '1' }), 'approximateArrivalTimestamp to be seconds since 1970'],
    [withKinesis({ approximateArrivalTimestamp: null }), 'approximateArrivalTimestamp to be seconds since 1970'],
    [withKinesis({ approximateArrivalTimestamp: -1 }), 'approximateArrivalTimestamp to be seconds since 1970'],
    [{ Records: [{ ...record, eventID: 7 }] }, "Records[0].eventID to be a shard's name"],
    [{ Records: [{ ...record, eventID: ':1' }] }, "Records[0].eventID to be a shard's name"],
    [{ Records: [{ ...record, eventSourceARN: 'arn:aws:sqs:a:1:q' }] }, 'Records[0].eventSourceARN to be the ARN'],
    [{ Records: [record, record] }, 'ascending order; Records[1] does not come after'],
  ])('says what it lacks: %#', (event, message) => {
    expect(() => decode(event)).toThrow(EventShapeError)
    expect(() => decode(event)).toThrow(message)
  })

  it('throws nothing but EventShapeError, whatever it is', () => {
    const noise = fc.jsonValue()
    const near = fc.record(
      {
        kinesis: fc.record(
          {
            data: fc.oneof(fc.string(), noise),
            partitionKey: fc.oneof(fc.string(), noise),
            sequenceNumber: fc.oneof(fc.constantFrom('1', '2', '10'), noise),
            approximateArrivalTimestamp: fc.oneof(fc.double(), noise),
          },
          { requiredKeys: [] },
        ),
        eventID: fc.oneof(fc.constant('shardId-0:1'), noise),
        eventSourceARN: fc.oneof(fc.constant(record.eventSourceARN), noise),
      },
      { requiredKeys: [] },
    )
    const event = fc.oneof(
      noise,
      fc.record({ Records: fc.oneof(noise, fc.array(fc.oneof(noise, near))) }),
      fc.record({ Records: fc.array(near), shardId: fc.oneof(fc.string(), noise) }),
    )
    fc.assert(
      fc.property(event, (any) => onlyShapeErrors(any)),
      { numRuns: 500 },
    )
  })

  function onlyShapeErrors(event: unknown): void {
    decoder.matches(event)
    try {
      for (const batch of decode(event)) payloads(batch)
    } catch (error) {
      expect(error).toBeInstanceOf(EventShapeError)
    }
  }
})

describe('a position', () => {
  it('sorts as the sequence number does, and above the sentinel', () => {
    const sequence = fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.bigInt({ min: 0n, max: 10n ** 129n - 1n }))
    const positionOf = (sequenceNumber: bigint) => {
      const event = eventOf(Buffer.from('1'))
      event.Records[0]!.kinesis.sequenceNumber = String(sequenceNumber)
      return onlyOf(decode(event)).position(0)
    }
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        expect(positionOf(a) < positionOf(b)).toBe(a < b)
        expect('0' < positionOf(a)).toBe(true)
      }),
    )
  })
})

describe('a KPL aggregate', () => {
  const users = [
    { key: 'k1', data: '{"a":1}' },
    { key: 'k2', data: '{"a":2}', hashKey: '12345' },
    { key: 'k1', data: '' },
  ]

  it('is unfolded to its user records, among plain ones', () => {
    const event = eventOf(
      Buffer.from('"plain 0"'),
      aggregate(users),
      aggregate([{ key: 'k3', data: '"one"' }]),
      Buffer.from('"plain 3"'),
      aggregate(users.slice(0, 2)),
    )
    const batch = onlyOf(decode(event))
    const all = Array.from({ length: batch.count }, (_, i) => i)
    expect(payloads(batch)).toEqual(['"plain 0"', '{"a":1}', '{"a":2}', '', '"one"', '"plain 3"', '{"a":1}', '{"a":2}'])
    expect(all.map((i) => batch.key(i))).toEqual(['outer-0', 'k1', 'k2', 'k1', 'k3', 'outer-3', 'k1', 'k2'])
    expect(all.map((i) => batch.unitEnd(i))).toEqual([1, 4, 4, 4, 5, 6, 8, 8])
    const sequences = event.Records.map((record) => record.kinesis.sequenceNumber)
    const positions = all.map((i) => batch.position(i))
    expect(positions).toEqual([
      `056:${sequences[0]}`,
      `056:${sequences[1]}:00000000`,
      `056:${sequences[1]}:00000001`,
      `056:${sequences[1]}:00000002`,
      `056:${sequences[2]}:00000000`,
      `056:${sequences[3]}`,
      `056:${sequences[4]}:00000000`,
      `056:${sequences[4]}:00000001`,
    ])
    expect([...positions].sort()).toEqual(positions)
    expect(batch.arrivalMs(7)).toBe(1545084650987)
    expect(
      decoder.partialAnswer([
        { batch, index: 6 },
        { batch, index: 1 },
      ]),
    ).toEqual({
      batchItemFailures: [{ itemIdentifier: sequences[1] }],
    })
  })

  const whole = aggregate(users)
  const withBody = (body: Buffer) => aggregate([], body)
  const recordField = (...fields: Buffer[]) => bytes(3, Buffer.concat(fields))
  const wholeRecord = Buffer.concat([bytes(1, Buffer.from('k')), recordField(varint(1, 0), bytes(3, Buffer.from('1')))])
  it.each([
    ['of zero records', aggregate([])],
    ['with keys but no records', withBody(bytes(1, Buffer.from('k')))],
    ['with a wrong checksum', damage(whole, whole.length - 1)],
    ['with a damaged body', damage(whole, 10)],
    ['cut short', whole.subarray(0, 30)],
    ['cut to its magic', whole.subarray(0, 4)],
    ['cut within its checksum', whole.subarray(0, 12)],
    ['with a key that is not in its table', withBody(recordField(varint(1, 0), bytes(3, Buffer.from('1'))))],
    [
      'with a record that has no data',
      withBody(Buffer.concat([bytes(1, Buffer.from('k')), recordField(varint(1, 0))])),
    ],
    [
      'with a record that has no key',
      withBody(Buffer.concat([bytes(1, Buffer.from('k')), recordField(bytes(3, Buffer.from('1')))])),
    ],
    ['with a length beyond its end', withBody(Buffer.from([0x1a, 0x7f, 0x00]))],
    ['with a huge length', withBody(Buffer.from([0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]))],
    ['with an endless number', withBody(Buffer.alloc(12, 0xff))],
    ['with a group', withBody(Buffer.from([0x1b, 0x1c]))],
    ['with a field 0 behind a whole record', withBody(Buffer.concat([wholeRecord, Buffer.from([0x00, 0x00])]))],
    [
      'with data beyond its record',
      withBody(Buffer.concat([recordField(varint(1, 0), Buffer.from([0x1a, 3, 0x31])), bytes(1, Buffer.from('key'))])),
    ],
    ['with a cut number', withBody(Buffer.concat([wholeRecord, Buffer.from([0x50, 0x80])]))],
    ['with a field 0', withBody(Buffer.from([0x00, 0x00]))],
    [
      'with a field beyond 2^29 - 1',
      withBody(Buffer.concat([wholeRecord, Buffer.from([0x80, 0x80, 0x80, 0x80, 0x10, 0x00])])),
    ],
  ])('%s is one defect that its split can pass', (_, data) => {
    const event = eventOf(Buffer.from('1'), data, Buffer.from('2'))
    const batch = onlyOf(decode(event))
    expect(payloads(batch)).toEqual(['1', Defect.badAggregate, '2'])
    expect(batch.position(1)).toBe(`056:${event.Records[1]!.kinesis.sequenceNumber}`)
    expect(batch.unitEnd(1)).toBe(2)
    expect(batch.key(1)).toBe('outer-1')
    expect(batch.sizeBound(1)).toBe(0)
  })

  it('passes over fields that it does not know', () => {
    const record = recordField(varint(1, 0), varint(2, 9), bytes(3, Buffer.from('1')), bytes(4, Buffer.from('tag')))
    const fixed = Buffer.from([0x49, 1, 2, 3, 4, 5, 6, 7, 8, 0x4d, 1, 2, 3, 4])
    const body = Buffer.concat([record, fixed, varint(10, 300), bytes(1, Buffer.from('late'))])
    const batch = onlyOf(decode(eventOf(withBody(body))))
    expect(payloads(batch)).toEqual(['1'])
    expect(batch.key(0)).toBe('late')
  })

  it('never throws, whatever a rightly summed body holds', () => {
    const body = fc.uint8Array({ maxLength: 40 }).map((any) => withBody(Buffer.from(any)))
    fc.assert(
      fc.property(body, (data) => void payloads(onlyOf(decode(eventOf(data))))),
      { numRuns: 500 },
    )
  })
})

describe('the partial answer', () => {
  it('is the lowest sequence number of each batch', () => {
    const batch = onlyOf(decode(stream))
    const answer = decoder.partialAnswer([
      { batch, index: 2 },
      { batch, index: 1 },
    ])
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: SEQUENCE[1] }] })
  })

  it('is empty for full success', () => {
    expect(decoder.partialAnswer([])).toEqual({ batchItemFailures: [] })
  })
})
