import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventShapeError } from '../../lib/base/index.js'
import { Defect } from '../../lib/ports/index.js'
import { fileDecoder } from '../../lib/sources/file/decoder.js'
import lines from './fixtures/file.json' with { type: 'json' }
import { payloads } from './payloads.js'

const decoder = fileDecoder()
const decode = (event: unknown) => decoder.decode(event, (origin) => `source of ${origin}`)
const eventOf = (...records: unknown[]) => ({ eventSource: 'millrace:file', source: 'quakes', records })

describe('an event of lines', () => {
  it('is known by its event source', () => {
    expect(decoder.matches(lines)).toBe(true)
    for (const other of [null, [], 'millrace:file', {}, { eventSource: 'aws:kafka' }]) {
      expect(decoder.matches(other)).toBe(false)
    }
  })

  it('is one batch for each split', () => {
    const batches = decode(lines)
    expect(batches.map(({ source, split, count }) => [source, split, count])).toEqual([
      ['source of quakes', 'w5.ndjson', 2],
      ['source of quakes', 'w6.ndjson', 1],
    ])
    const [five, six] = batches
    expect(payloads(five!)).toEqual(['{"place":"Kīlauea"}', ''])
    expect(payloads(six!)).toEqual(['{"place":"Ōta"}'])
    expect(five!.position(1)).toBe('00000000000000000001')
    expect(six!.position(0)).toBe('00000000000000000012')
    expect([five!.arrivalMs(0), five!.key(0), five!.header(0, 'a'), five!.unitEnd(0)]).toEqual([
      undefined,
      null,
      undefined,
      1,
    ])
    expect(decode(eventOf())).toEqual([])
  })

  it('tells half a surrogate pair from text', () => {
    const [batch] = decode(
      eventOf({ split: 'a', offset: 0, data: '"\ud83d"' }, { split: 'a', offset: 1, data: '"😀 \ufffd"' }),
    )
    expect(payloads(batch!)).toEqual([Defect.notText, '"😀 \ufffd"'])
  })
})

describe('a malformed event of lines', () => {
  const line = { split: 'a', offset: 0, data: '1' }
  it.each([
    [null, 'itself to be an object; it is null'],
    [{ records: [] }, 'source to be the name of a source; it is missing'],
    [{ source: 'quakes' }, 'records to be an array; it is missing'],
    [eventOf(null), 'records[0] to be an object; it is null'],
    [eventOf({ ...line, split: '' }), 'records[0].split to be the name of a split; it is an empty string'],
    [eventOf({ ...line, offset: 1.5 }), 'records[0].offset to be a whole number'],
    [eventOf({ ...line, data: null }), "records[0].data to be a line's text; it is null"],
    [eventOf({ ...line, encoding: 'gzip' }), "records[0].encoding to be 'base64' or absent; it is a string"],
    [eventOf(line, { ...line, split: 'b' }, line), 'ascending order; records[2] does not come after'],
  ])('says what it lacks: %#', (event, message) => {
    expect(() => decode(event)).toThrow(EventShapeError)
    expect(() => decode(event)).toThrow(message)
  })

  it('throws nothing but EventShapeError, whatever it is', () => {
    const noise = fc.jsonValue()
    const near = fc.record(
      {
        split: fc.oneof(fc.constantFrom('a', 'b'), noise),
        offset: fc.oneof(fc.nat(9), noise),
        data: fc.oneof(fc.string({ unit: 'binary' }), noise),
      },
      { requiredKeys: [] },
    )
    const event = fc.oneof(
      noise,
      fc.record({ source: fc.oneof(fc.string(), noise), records: fc.array(fc.oneof(near, noise)) }),
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
  it('is the first undone line of each split', () => {
    const [five, six] = decode(lines)
    expect(
      decoder.partialAnswer([
        { batch: five!, index: 1 },
        { batch: five!, index: 0 },
        { batch: six!, index: 0 },
      ]),
    ).toEqual({
      batchItemFailures: [
        { itemIdentifier: { split: 'w5.ndjson', offset: 0 } },
        { itemIdentifier: { split: 'w6.ndjson', offset: 12 } },
      ],
    })
    expect(decoder.partialAnswer([])).toEqual({ batchItemFailures: [] })
  })
})
