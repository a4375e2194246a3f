import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { compareBytes, SORTABLE_LENGTH, sortable, TIME_MAX, TIME_MIN, unsortable } from '../../lib/base/index.js'
import { doneThrough, doneUpTo, readCursor, rowPosition } from '../../lib/runtime/cursor.js'
import { START } from '../../lib/runtime/keys.js'
import { offsetAfter, positionOfOffset } from '../../lib/sources/kafka/position.js'
import { KinesisBatch } from '../../lib/sources/kinesis/batch.js'
import { positionOfSequence, sequenceOfPosition } from '../../lib/sources/kinesis/position.js'
import { aggregate } from '../../lib/testing/kpl-writer.js'
import { holds } from './fuzz.js'

/** Positions are compared by JavaScript here and by UTF-8 bytes in a store: both must say what the numbers say. */
function expectOrder(a: string, b: string, wanted: number): void {
  expect(a < b ? -1 : a > b ? 1 : 0, `${a} beside ${b}`).toBe(wanted)
  expect(Math.sign(compareBytes(a, b)), `${a} beside ${b}, by bytes`).toBe(wanted)
}
const order = <N extends number | bigint>(a: N, b: N): number => (a < b ? -1 : a > b ? 1 : 0)

const times = fc.oneof(
  fc.integer({ min: TIME_MIN, max: TIME_MAX }),
  fc.integer({ min: -50, max: 50 }),
  fc.constantFrom(TIME_MIN, TIME_MIN + 1, -1, -0, 0, TIME_MAX - 1, TIME_MAX),
)

describe('positions of a shard', () => {
  const digits = fc
    .integer({ min: 1, max: 129 })
    .chain((length) => fc.bigInt({ min: 0n, max: 10n ** BigInt(length) - 1n }))
  /** Numbers of which one begins with the other, or is one off a power of ten. */
  const kin = digits.chain((n) => fc.constantFrom(n, n + 1n, n * 10n, n / 10n, 10n ** BigInt(String(n).length - 1)))
  const sequence = kin.filter((n) => n < 10n ** 129n)

  holds(
    'sort as sequence numbers of 1 to 129 digits do, user records of an aggregate between them',
    1_000,
    fc.property(fc.tuple(sequence, fc.nat(3)), fc.tuple(sequence, fc.nat(3)), ([a, i], [b, j]) => {
      const record = (n: bigint) => ({
        kinesis: {
          data: aggregate(['0', '1', '2', '3'].map((data) => ({ key: 'k', data }))).toString('base64'),
          partitionKey: 'k',
          sequenceNumber: String(n),
          approximateArrivalTimestamp: 1,
        },
      })
      const positionOf = (n: bigint, sub: number) => new KinesisBatch('s', 'p', [record(n)]).position(sub)
      expectOrder(positionOf(a, i), positionOf(b, j), order(a, b) || order(i, j))
      expectOrder(positionOfSequence(String(a)), positionOf(b, j), order(a, b) || -1)
      expectOrder(positionOfSequence(String(a)), positionOfSequence(String(b)), order(a, b))
      expectOrder(START, positionOf(a, i), -1)
      expect(sequenceOfPosition(positionOf(a, i))).toBe(String(a))
      expect(sequenceOfPosition(positionOfSequence(String(a)))).toBe(String(a))
    }),
  )
})

describe('positions of a partition', () => {
  const offset = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(30),
    fc.integer({ min: 0, max: 15 }).map((n) => 10 ** n),
  )

  holds(
    'sort as offsets do, and the offset after one is the next',
    1_000,
    fc.property(offset, offset, (a, b) => {
      expectOrder(positionOfOffset(a), positionOfOffset(b), order(a, b))
      expectOrder(START, positionOfOffset(a), -1)
      expect(offsetAfter(positionOfOffset(a))).toBe(a + 1)
      expect(offsetAfter(START)).toBe(0)
    }),
  )
})

describe('times as sort keys', () => {
  holds(
    'keep their order before 1970 and after, and come back',
    1_000,
    fc.property(times, times, (a, b) => {
      expect(sortable(a)).toHaveLength(SORTABLE_LENGTH)
      expect(unsortable(sortable(a))).toBe(a + 0)
      expectOrder(sortable(a), sortable(b), order(a, b))
    }),
  )
})

describe('cursors', () => {
  const hashes = fc.oneof(
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.integer({ min: 0, max: 300 }),
    fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
  )
  const slices = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(-1, 0, 1) }, times)
  const ranks = fc.oneof(fc.nat(3), fc.nat(99_999_999))
  const places = fc.record({
    slice: slices,
    hash: fc.option(hashes, { nil: undefined }),
    rank: fc.option(ranks, { nil: undefined }),
  })
  const textOf = ({ slice, hash, rank }: { slice: number; hash: number | undefined; rank?: number | undefined }) =>
    hash === undefined ? doneThrough(slice) : doneUpTo(slice, hash, rank)

  holds(
    'grow as (slice, hash, rank) does, all of a slice or a hash after its last, and come back',
    1_000,
    fc.property(places, places, (a, b) => {
      const rank = (hash: number | undefined): number => hash ?? Number.POSITIVE_INFINITY
      const ranks = a.hash === undefined ? 0 : order(rank(a.rank), rank(b.rank))
      expectOrder(textOf(a), textOf(b), order(a.slice, b.slice) || order(rank(a.hash), rank(b.hash)) || ranks)
      const { slice, hash } = a
      expect(readCursor(textOf(a))).toEqual({
        slice: slice + 0,
        hash,
        rank: hash === undefined ? undefined : a.rank,
      })
      expectOrder('', textOf(a), -1)
    }),
  )

  holds(
    'a row lies at or before a cursor exactly if its slice, its hash and the rank of its key do',
    1_000,
    fc.property(places, fc.option(places, { freq: 2 }), ranks, fc.nat(999_999), (done, other, rank, n) => {
      const { slice, hash = 0 } = other ?? done
      const row = rowPosition(slice, hash, rank, n)
      const isBefore = hash === done.hash ? done.rank === undefined || rank <= done.rank : hash < (done.hash ?? 0)
      const isDone = slice < done.slice || (slice === done.slice && (done.hash === undefined || isBefore))
      expectOrder(row, textOf(done), isDone ? -1 : 1)
      expectOrder(START, row, -1)
    }),
  )
})
