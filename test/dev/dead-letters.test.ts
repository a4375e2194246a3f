import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { type DeadLetter, outgoingOf, sizeOf, staysAs } from '../../lib/dev/dead-letters/letter.js'
import { json, kafkaSource, kinesisSource, ndjson, outOfOrder } from '../../lib/index.js'

const options = { timestamp: () => 0, watermark: outOfOrder('1s') }
const kafka = kafkaSource('orders', options)
const letter = (more: Partial<DeadLetter> = {}): DeadLetter => ({
  id: 'orders/orders-0/1',
  place: 'p',
  reason: 'step-threw',
  detail: 'a slip',
  source: 'orders',
  split: 'orders-0',
  position: '1',
  payload: { id: 1 },
  record: { value: '{"id":1}' },
  ...more,
})
const none = (more: Partial<DeadLetter>): DeadLetter => {
  const { record: _, ...rest } = letter(more)
  return rest
}

describe('a dead letter', () => {
  it('gives the record as it was', () => {
    const record = {
      value: { base64: '/wA=' },
      key: { base64: 'AAAAhA==' },
      headers: [
        ['b', '1'],
        ['b', { base64: '/w==' }],
        ['__proto__', ''],
      ],
      timestamp: 7,
    } as const
    expect(outgoingOf(letter({ record }))).toEqual({
      key: Buffer.from([0, 0, 0, 132]),
      line: Buffer.from([255, 0]),
      headers: Object.assign(
        Object.create(null),
        { b: [Buffer.from('1'), Buffer.from([255])] },
        {
          ['__proto__']: [Buffer.alloc(0)],
        },
      ),
      timestamp: 7,
    })
    expect(sizeOf(letter({ record }))).toBe(2 + 4 + 1 + 1 + 1 + 1 + 9)
    expect(outgoingOf(letter({ record: { value: 'é', partitionKey: 'k' } }))).toEqual({
      key: 'k',
      line: Buffer.from('é'),
    })
    expect(outgoingOf(letter({ record: { value: null, key: '' } }))).toEqual({ key: Buffer.alloc(0), line: null })
  })

  it('stays where its record cannot be sent whole, and says why', () => {
    expect(staysAs(letter())).toBeUndefined()
    expect(staysAs(letter(), undefined, kafka)).toBeUndefined()
    expect(staysAs(none({ reason: 'expired', operator: 'w' }))).toBe('it is a row, not a record of a source')
    expect(staysAs(none({ reason: 'sink-refused' }))).toBe('it is a row, not a record of a source')
    expect(staysAs(none({ reason: 'bad-value', operator: 'w' }))).toBe('it is a row, not a record of a source')
    expect(staysAs(letter({ reason: 'skipped' }))).toMatch('--reason skipped')
    expect(staysAs(letter({ reason: 'skipped' }), 'skipped')).toBeUndefined()
    expect(staysAs(none({ payload: null, refused: 'too large' }))).toMatch('was too large to be stored')
    expect(staysAs(none({}))).toMatch('its record was not stored')
    const withHeaders = (...names: (string | null)[]) =>
      staysAs(
        letter({ record: { value: '', headers: names.map((name) => [name ?? 'x', name === null ? null : '1']) } }),
      )
    expect(withHeaders('b', 'a', 'a', 'c')).toBeUndefined()
    expect(withHeaders('10', '9')).toMatch('the Kafka client cannot write its headers unchanged')
    expect(withHeaders('a', 'b', 'a')).toMatch('the Kafka client cannot write its headers unchanged')
    expect(withHeaders('a', null)).toMatch('the Kafka client cannot write its headers unchanged')
    const part = letter({ record: { value: '{}', part: true } })
    expect(staysAs(part, undefined, kafka)).toMatch('one of several values of a record')
    expect(staysAs(part, undefined, kafkaSource('orders', { ...options, decode: json() }))).toMatch(
      'one of several values',
    )
    expect(staysAs(part, undefined, kafkaSource('orders', { ...options, decode: ndjson() }))).toBeUndefined()
    const ofKinesis = letter({ record: { value: '{}', partitionKey: 'k' } })
    expect(staysAs(ofKinesis, undefined, kinesisSource('orders', options))).toBeUndefined()
    expect(staysAs(ofKinesis, undefined, kafka)).toBe('its source had another connector')
    expect(staysAs(letter(), undefined, kinesisSource('orders', options))).toBe('its source had another connector')
  })

  it('goes to the partition that the Java client gives its key', () => {
    // The vectors of Kafka's own UtilsTest.
    const murmur2 = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2')
    const vectors: Record<string, number> = {
      '21': -973_932_308,
      foobar: -790_332_482,
      'a-little-bit-long-string': -985_981_536,
      'a-little-bit-longer-string': -1_486_304_829,
      lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58_897_971,
      abc: 479_470_107,
    }
    for (const [key, hash] of Object.entries(vectors)) expect([key, murmur2(Buffer.from(key))]).toEqual([key, hash])
    const partitionOf = kafkajs.Partitioners.DefaultPartitioner()
    const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({ partitionId, leader: 1 })) as never
    const partition = partitionOf({
      topic: 't',
      partitionMetadata,
      message: { key: Buffer.from('foobar'), value: null },
    })
    expect(partition).toBe((-790_332_482 & 0x7fffffff) % 7)
  })
})
