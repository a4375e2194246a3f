import { describe, expect, it } from 'vitest'
import { sequenceNumber } from '../../lib/dev/input/numbering.js'
import { judge } from '../../lib/dev/poller/answer.js'
import { inputOf, numbered } from './inputs.js'

const failures = (...identifiers: unknown[]) => ({
  batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })),
})

describe('the answer of a stream mapping (Lambda, ReportBatchItemFailures)', () => {
  const input = inputOf('kinesis', [numbered(20)])
  const ranges = [{ log: input.logs[0]!, from: 5, to: 10 }]
  const at = (...indexes: unknown[]) => ({ kind: 'resume', at: indexes })

  it.each([null, undefined, '', {}, { batchItemFailures: [] }, { batchItemFailures: null }, { other: 1 }])(
    'is success: %j',
    (answer) => {
      expect(judge(input, ranges, answer)).toEqual(at(10))
    },
  )

  it('goes on at the lowest number reported, and delivers all after it again', () => {
    expect(judge(input, ranges, failures(sequenceNumber(8)))).toEqual(at(8))
    expect(judge(input, ranges, failures(sequenceNumber(9), sequenceNumber(6), sequenceNumber(8)))).toEqual(at(6))
    expect(judge(input, ranges, failures(sequenceNumber(5)))).toEqual(at(5))
  })

  it.each([
    ['an empty one', ''],
    ['null', null],
    ['none', undefined],
    ['a number', 7],
    ['one before the batch', sequenceNumber(4)],
    ['one after the batch', sequenceNumber(10)],
    ['one of another stream', sequenceNumber(7).replace('4', '5')],
    ['the position as Millrace writes it', `056:${sequenceNumber(7)}`],
    ['one of Kafka', { partition: 'clicks-0', offset: 7 }],
    ['another name of the key', { item: sequenceNumber(7) }],
  ])('an identifier that is %s fails all of the batch', (_, identifier) => {
    const failed = { kind: 'failed', why: 'an itemIdentifier is not in the batch' }
    expect(judge(input, ranges, failures(identifier))).toEqual(failed)
    expect(judge(input, ranges, failures(sequenceNumber(8), identifier))).toEqual(failed)
  })

  it('failures that are no list, or no objects, fail all of the batch', () => {
    expect(judge(input, ranges, { batchItemFailures: 'all' })).toEqual({
      kind: 'failed',
      why: 'batchItemFailures is not a list',
    })
    for (const entry of [null, 5, 'x', {}])
      expect(judge(input, ranges, { batchItemFailures: [entry] })).toMatchObject({ kind: 'failed' })
  })
})

describe('the answer of a Kafka mapping', () => {
  const input = inputOf('kafka', [numbered(9), numbered(9)], 'odd-topic')
  const ranges = input.logs.map((log) => ({ log, from: 2, to: 8 }))
  const id = (partition: unknown, offset: unknown) => ({ partition, offset })

  it('each partition goes on by itself', () => {
    expect(judge(input, ranges, failures(id('odd-topic-1', 5), id('odd-topic-1', 4)))).toEqual({
      kind: 'resume',
      at: [8, 4],
    })
    expect(judge(input, ranges, failures(id('odd-topic-0', 2), id('odd-topic-1', 7)))).toEqual({
      kind: 'resume',
      at: [2, 7],
    })
  })

  it.each([
    id('odd-topic-2', 3),
    id('odd-topic', 3),
    id('odd-topic-0', 8),
    id('odd-topic-0', 1),
    id('odd-topic-0', '3'),
    id('odd-topic-0', 3.5),
    id(0, 3),
    'odd-topic-0',
    null,
  ])('%j is not in the batch', (identifier) => {
    expect(judge(input, ranges, failures(identifier))).toMatchObject({ kind: 'failed' })
  })
})

describe('the answer to an event of files', () => {
  const input = inputOf('file', [numbered(9)])
  const ranges = [{ log: input.logs[0]!, from: 0, to: 9 }]

  it('names a split and the offset where it goes on', () => {
    expect(judge(input, ranges, failures({ split: 'part-0', offset: 3 }))).toEqual({ kind: 'resume', at: [3] })
    expect(judge(input, ranges, failures({ split: 'part-1', offset: 3 }))).toMatchObject({ kind: 'failed' })
    expect(judge(input, ranges, failures({ split: 'part-0', offset: 9 }))).toMatchObject({ kind: 'failed' })
  })
})
