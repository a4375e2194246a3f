import {
  type Aggregate,
  avg,
  bitAnd,
  bitOr,
  bitXor,
  collect,
  correlation,
  count,
  covariance,
  custom,
  distinctCount,
  every,
  first,
  last,
  max,
  maxBy,
  median,
  min,
  minBy,
  mode,
  percentile,
  regression,
  some,
  stddev,
  stringJoin,
  struct,
  sum,
  sumDecimal,
  topN,
  variance,
  where,
} from '../../lib/aggregate/index.js'

/** A value that `of` may give: most of them are none that a fold should ever see. */
export const VALUES = {
  null: null,
  undefined: undefined,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
  seven: 7,
  half: 0.5,
  'a word': 'word',
  'no text': '',
  'a decimal as text': '2.50',
  'a decimal with an exponent': '1e3',
  true: true,
  false: false,
  'a bigint': 3n,
  'a symbol': Symbol('s'),
  'a function': () => 1,
  'a promise': Promise.resolve(1),
  'a Date': new Date(0),
  'an invalid Date': new Date(Number.NaN),
  'an array': ['x', null],
  'an array with NaN': [Number.NaN],
  'an object': { a: 1 },
  'an object with an infinity': { a: { b: Number.POSITIVE_INFINITY } },
  'an object with a bigint': { a: 1n },
} as const

export type ValueName = keyof typeof VALUES

const NUMBERS = ['-0', 'seven', 'half'] as const
const COMPARABLE = [...NUMBERS, 'a word', 'no text', 'a decimal as text', 'a decimal with an exponent'] as const
const JSON_VALUES = [
  ...COMPARABLE,
  'true',
  'false',
  'a bigint',
  'a Date',
  'an array',
  'an object',
  'an object with a bigint',
] as const
const NEITHER = ['null', 'undefined'] as const
const KEPT = [
  0,
  7,
  0.5,
  'word',
  '',
  '2.50',
  '1e3',
  true,
  false,
  '3',
  '1970-01-01T00:00:00.000Z',
  ['x', null],
  { a: 1 },
  { a: '1' },
]

/** What is asked of a fold of `of`. */
export interface Asked {
  /** The export that it is made with: its row in the table of docs/pipelines.md. */
  readonly of: string
  /** What refuses odd values, where that is a fold within. */
  readonly refusedBy?: string
  readonly make: (of: (row: any) => any) => Aggregate<any, any>
  /** What it folds, in this order, with -0 first. */
  readonly takes: readonly ValueName[]
  /** What it leaves out; all else is refused. */
  readonly leavesOut?: readonly ValueName[]
  /** Of what it takes, each once. */
  readonly result: unknown
  /** Of nothing, and of what it leaves out. */
  readonly empty: unknown
}

const nothing = { leavesOut: NEITHER, empty: null }
const text = (value: unknown): string => JSON.stringify(value) ?? ''

export const FOLDS: Readonly<Record<string, Asked>> = {
  'count of a condition': {
    of: 'count',
    make: count,
    takes: [...JSON_VALUES.filter((name) => name !== 'false'), 'a symbol', 'a function', 'an invalid Date']
      // What an object holds is not looked at: nothing of it is kept.
      .concat('an array with NaN', 'an object with an infinity') as ValueName[],
    leavesOut: [...NEITHER, 'false'],
    result: 18,
    empty: 0,
  },
  sum: { ...nothing, of: 'sum', make: (of) => sum(of), takes: NUMBERS, result: 7.5, empty: 0 },
  'sum of SQL': { ...nothing, of: 'sum', make: (of) => sum(of, { empty: null }), takes: NUMBERS, result: 7.5 },
  sumDecimal: {
    ...nothing,
    of: 'sumDecimal',
    make: (of) => sumDecimal(of),
    takes: ['-0', 'seven', 'a decimal as text', 'a bigint'],
    result: '12.50',
    empty: '0',
  },
  'sumDecimal of SQL': {
    ...nothing,
    of: 'sumDecimal',
    make: (of) => sumDecimal(of, { scale: 0, rounding: 'half-even', empty: null }),
    takes: ['-0', 'seven', 'a decimal as text', 'a bigint'],
    result: '12',
  },
  avg: { ...nothing, of: 'avg', make: avg, takes: NUMBERS, result: 2.5 },
  stddev: { ...nothing, of: 'stddev', make: (of) => stddev(of), takes: NUMBERS, result: Math.sqrt(15.25) },
  variance: { ...nothing, of: 'variance', make: (of) => variance(of), takes: NUMBERS, result: 15.25 },
  covariance: { ...nothing, of: 'covariance', make: (of) => covariance(of, of), takes: NUMBERS, result: 15.25 },
  'covariance with one': {
    ...nothing,
    of: 'covariance',
    make: (of) => covariance(() => 1, of),
    takes: NUMBERS,
    result: 0,
  },
  correlation: { ...nothing, of: 'correlation', make: (of) => correlation(of, of), takes: NUMBERS, result: 1 },
  regression: {
    ...nothing,
    of: 'regression',
    make: (of) => regression({ x: of, y: of }),
    takes: NUMBERS,
    result: { slope: 1, intercept: 0, r2: 1 },
  },
  median: { ...nothing, of: 'median', make: (of) => median(of), takes: NUMBERS, result: 0.5 },
  percentile: { ...nothing, of: 'percentile', make: (of) => percentile(of, 0.75), takes: NUMBERS, result: 3.75 },
  'percentile, discrete': {
    ...nothing,
    of: 'percentile',
    make: (of) => percentile(of, 0.75, { method: 'discrete' }),
    takes: NUMBERS,
    result: 7,
  },
  mode: { ...nothing, of: 'mode', make: (of) => mode(of), takes: COMPARABLE, result: 0 },
  every: { ...nothing, of: 'every', make: (of) => every(of), takes: ['true', 'false'], result: false },
  some: { ...nothing, of: 'some', make: (of) => some(of), takes: ['true', 'false'], result: true },
  bitAnd: { ...nothing, of: 'bitAnd', make: (of) => bitAnd(of), takes: ['-0', 'seven'], result: 0 },
  bitOr: { ...nothing, of: 'bitOr', make: (of) => bitOr(of), takes: ['-0', 'seven'], result: 7 },
  bitXor: { ...nothing, of: 'bitXor', make: (of) => bitXor(of), takes: ['-0', 'seven'], result: 7 },
  stringJoin: {
    ...nothing,
    of: 'stringJoin',
    make: (of) => stringJoin(of, { separator: '|' }),
    takes: ['a word', 'no text', 'a decimal as text', 'a decimal with an exponent'],
    result: 'word||2.50|1e3',
  },
  'the value of topN': {
    ...nothing,
    of: 'topN',
    make: (of) => topN(2, () => 1, of),
    takes: JSON_VALUES,
    result: [0, 7],
    empty: [],
  },
  'the rank of topN': {
    ...nothing,
    of: 'topN',
    make: (of) => topN(3, of, of),
    takes: COMPARABLE,
    result: ['word', '2.50', '1e3'],
    empty: [],
  },
  // What they refuse is what the folds inside do.
  where: {
    ...nothing,
    of: 'where',
    refusedBy: 'sum',
    make: (of) => where(() => true, sum(of)),
    takes: NUMBERS,
    result: 7.5,
    empty: 0,
  },
  struct: {
    ...nothing,
    of: 'struct',
    refusedBy: 'sum',
    make: (of) => struct({ total: sum(of), mean: avg(of) }),
    takes: NUMBERS,
    result: { total: 7.5, mean: 2.5 },
    empty: { total: 0, mean: null },
  },
  min: { ...nothing, of: 'min', make: min, takes: COMPARABLE, result: 0 },
  max: { ...nothing, of: 'max', make: max, takes: COMPARABLE, result: 'word' },
  first: { ...nothing, of: 'first', make: first, takes: JSON_VALUES, result: 0 },
  last: { ...nothing, of: 'last', make: last, takes: JSON_VALUES, result: { a: '1' } },
  'the value of minBy': { ...nothing, of: 'minBy', make: (of) => minBy(() => 1, of), takes: JSON_VALUES, result: 0 },
  'the value of maxBy': { ...nothing, of: 'maxBy', make: (of) => maxBy(() => 1, of), takes: JSON_VALUES, result: 0 },
  'the rank of minBy': { ...nothing, of: 'minBy', make: (of) => minBy(of, of), takes: COMPARABLE, result: 0 },
  'the rank of maxBy': { ...nothing, of: 'maxBy', make: (of) => maxBy(of, of), takes: COMPARABLE, result: 'word' },
  collect: { ...nothing, of: 'collect', make: (of) => collect(of), takes: JSON_VALUES, result: KEPT, empty: [] },
  distinctCount: {
    ...nothing,
    of: 'distinctCount',
    make: (of) => distinctCount(of),
    takes: [...COMPARABLE, 'true', 'false', 'a bigint', 'an array'],
    result: 11,
    empty: 0,
  },
  // It reads whole rows: here `of` makes them, and null is a row.
  'custom, ordered': {
    of: 'custom',
    make: (of) => {
      const fold = custom({
        name: 'all',
        ordered: true,
        init: () => '',
        add: (a, row) => a + text(row),
        result: (a) => a,
      })
      return { ...fold, read: (row: any) => fold.read(of(row) as never) }
    },
    takes: [...JSON_VALUES, ...NEITHER],
    leavesOut: [],
    result: `${KEPT.map(text).join('')}nullnull`,
    empty: '',
  },
}
