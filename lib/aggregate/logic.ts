import { type Aggregate, reader } from './aggregate.js'
import { refused, typeName } from './values.js'

const plain = { options: {}, ordered: false, fragile: false } as const

/** How many were true, and how many false. */
type Tally = [yes: number, no: number]

function tally<T, M>(
  kind: 'every' | 'some',
  of: (row: T, meta: M) => boolean | null | undefined,
  result: (acc: Tally) => boolean,
): Aggregate<T, boolean | null, boolean, Tally, M> {
  const read = reader(kind, of)
  return Object.freeze({
    ...plain,
    kind,
    invertible: true,
    read(row: T, meta?: M) {
      const value: unknown = read(row, meta)
      if (value === null || value === undefined) return undefined
      if (typeof value === 'boolean') return value
      throw refused(kind, 'folds true and false', typeName(value))
    },
    create: (): Tally => [0, 0],
    add(acc: Tally, value: boolean, weight: 1 | -1) {
      acc[value ? 0 : 1] += weight
      return acc
    },
    merge: (a: Tally, b: Tally): Tally => [a[0] + b[0], a[1] + b[1]],
    result: (acc: Tally) => (acc[0] + acc[1] === 0 ? null : result(acc)),
    encode: (acc: Tally) => acc,
    decode: (json: Tally): Tally => [json[0], json[1]],
  })
}

/**
 * Whether it is true of all rows, as SQL's BOOL_AND. Null over nothing. Null and undefined are left out; what is
 * neither true nor false rejects the record (`bad-value`). Can take rows back.
 * @example every(order => order.isPaid)
 */
export function every<T, M = unknown>(
  of: (row: T, meta: M) => boolean | null | undefined,
): Aggregate<T, boolean | null, boolean, Tally, M> {
  return tally('every', of, ([, no]) => no === 0)
}

/**
 * Whether it is true of any row, as SQL's BOOL_OR; else as `every`.
 * @example some(order => order.isRefunded)
 */
export function some<T, M = unknown>(
  of: (row: T, meta: M) => boolean | null | undefined,
): Aggregate<T, boolean | null, boolean, Tally, M> {
  return tally('some', of, ([yes]) => yes > 0)
}

const BITS_MAX = 2 ** 32 - 1
/** The bits, and how many were folded. */
type Bits = [bits: number, count: number]

function bits<T, M>(
  kind: 'bit-and' | 'bit-or' | 'bit-xor',
  of: (row: T, meta: M) => number | null | undefined,
  start: number,
  fold: (a: number, b: number) => number,
): Aggregate<T, number | null, number, Bits, M> {
  const name = kind.replace(/-./, (text) => text[1]!.toUpperCase())
  const read = reader(name, of)
  return Object.freeze({
    ...plain,
    kind,
    invertible: kind === 'bit-xor',
    read(row: T, meta?: M) {
      const value: unknown = read(row, meta)
      if (value === null || value === undefined) return undefined
      if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= BITS_MAX) return value + 0
      throw refused(name, `folds whole numbers from 0 to ${BITS_MAX}`, typeName(value))
    },
    create: (): Bits => [start, 0],
    add(acc: Bits, value: number, weight: 1 | -1) {
      acc[0] = fold(acc[0], value) >>> 0
      acc[1] += weight
      return acc
    },
    merge: (a: Bits, b: Bits): Bits => [fold(a[0], b[0]) >>> 0, a[1] + b[1]],
    result: (acc: Bits) => (acc[1] === 0 ? null : acc[0]),
    encode: (acc: Bits) => acc,
    decode: (json: Bits): Bits => [json[0], json[1]],
  })
}

/**
 * The bits that all of them have: whole numbers from 0 to 2^32 - 1. Null over nothing. Null and undefined are left out;
 * anything else rejects the record (`bad-value`). Cannot take rows back.
 * @example bitAnd(device => device.flags)
 */
export function bitAnd<T, M = unknown>(
  of: (row: T, meta: M) => number | null | undefined,
): Aggregate<T, number | null, number, Bits, M> {
  return bits('bit-and', of, BITS_MAX, (a, b) => a & b)
}

/**
 * The bits that any of them has; else as `bitAnd`.
 * @example bitOr(device => device.flags)
 */
export function bitOr<T, M = unknown>(
  of: (row: T, meta: M) => number | null | undefined,
): Aggregate<T, number | null, number, Bits, M> {
  return bits('bit-or', of, 0, (a, b) => a | b)
}

/**
 * The bits that an odd number of them has; else as `bitAnd`, but it can take rows back.
 * @example bitXor(block => block.checksum)
 */
export function bitXor<T, M = unknown>(
  of: (row: T, meta: M) => number | null | undefined,
): Aggregate<T, number | null, number, Bits, M> {
  return bits('bit-xor', of, 0, (a, b) => a ^ b)
}
