import { ALL_FLIGHTS } from './data.js'

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

export interface OracleWindow {
  readonly kind: 'tumbling' | 'hopping' | 'cumulate'
  readonly size: number
  /** The slide of a hopping window, the step of a cumulating one. */
  readonly step: number
}

/** A question about the flights that a pipeline and the oracle both answer. */
export interface Variant {
  readonly name: string
  /** The pipeline is the example's own. */
  readonly example?: true
  readonly rows: number
  readonly splits: number
  readonly bound: number
  readonly window: OracleWindow
  readonly offset: number
  readonly allowedLateness: number
  readonly accumulation: 'accumulating' | 'discarding' | 'retracting'
  /**
   * A split holds all rows of an origin, since origins are what records are dealt by; those of a destination come from
   * every split.
   */
  readonly key: 'origin' | 'destination' | 'route'
  /** The example's four folds, or those whose results hang on ties, kept sets and fractions. */
  readonly values: 'example' | 'rich'
}

const tumbling = (size: number): OracleWindow => ({ kind: 'tumbling', size, step: size })
const hopping = (size: number, step: number): OracleWindow => ({ kind: 'hopping', size, step })
const cumulate = (size: number, step: number): OracleWindow => ({ kind: 'cumulate', size, step })

export const exampleVariant: Variant = {
  name: 'the example',
  example: true,
  rows: ALL_FLIGHTS,
  splits: 4,
  bound: 3 * HOUR,
  window: tumbling(HOUR),
  offset: 0,
  allowedLateness: 2 * HOUR,
  accumulation: 'accumulating',
  key: 'origin',
  values: 'example',
}

/** A bound below the example's makes many more rows late, and expired. */
const some: Variant = {
  ...exampleVariant,
  example: undefined,
  rows: 30_000,
  splits: 3,
  bound: HOUR,
  key: 'destination',
}

/** Many late panes, and folds whose results hang on ties between splits and on the order of merges. */
export const hardVariant: Variant = {
  ...some,
  name: 'hopping 1h/15m, 2h late, retracting, richer folds',
  rows: 15_000,
  bound: 30 * MINUTE,
  window: hopping(HOUR, 15 * MINUTE),
  accumulation: 'retracting',
  values: 'rich',
}

export const variants: readonly Variant[] = [
  exampleVariant,
  {
    ...some,
    name: 'hopping 1h/15m, 2h late, retracting',
    window: hopping(HOUR, 15 * MINUTE),
    accumulation: 'retracting',
    key: 'origin',
  },
  {
    ...some,
    name: 'hopping 3h/1h, 2h late, discarding',
    window: hopping(3 * HOUR, HOUR),
    bound: 30 * MINUTE,
    accumulation: 'discarding',
  },
  {
    ...some,
    name: 'hopping 3h/1h, nothing late, but rows behind their slice',
    window: hopping(3 * HOUR, HOUR),
    bound: 30 * MINUTE,
    allowedLateness: 0,
    values: 'rich',
  },
  {
    ...some,
    name: 'hopping 50m/20m, whose size is no multiple of its slide, 2h late, discarding',
    window: hopping(50 * MINUTE, 20 * MINUTE),
    accumulation: 'discarding',
    values: 'rich',
  },
  {
    ...some,
    name: 'hopping 20m/1h, which leaves gaps, 2h late, retracting',
    window: hopping(20 * MINUTE, HOUR),
    accumulation: 'retracting',
    values: 'rich',
  },
  { ...some, name: 'cumulate 6h/1h, 2h late', window: cumulate(6 * HOUR, HOUR), values: 'rich' },
  {
    ...some,
    name: 'cumulate 1d/4h from 05:00, 90m late in slices of 1h, retracting',
    window: cumulate(24 * HOUR, 4 * HOUR),
    offset: 5 * HOUR,
    allowedLateness: 90 * MINUTE,
    accumulation: 'retracting',
  },
  {
    ...some,
    name: 'tumbling 1h, 20m late in slices of 20m, retracting',
    bound: 30 * MINUTE,
    allowedLateness: 20 * MINUTE,
    accumulation: 'retracting',
  },
  {
    ...some,
    name: 'tumbling 1h from half past, 25m late in slices of 20m, discarding, by route',
    bound: 30 * MINUTE,
    offset: -30 * MINUTE,
    allowedLateness: 25 * MINUTE,
    accumulation: 'discarding',
    key: 'route',
    values: 'rich',
  },
  { ...some, name: 'tumbling 1h, nothing late', allowedLateness: 0 },
  {
    ...some,
    name: 'tumbling 1h, late for longer than the bound and the window, retracting',
    bound: 10 * MINUTE,
    allowedLateness: 6 * HOUR,
    accumulation: 'retracting',
    values: 'rich',
  },
  {
    ...some,
    name: 'tumbling 90s, 40s late in slices of 30s, eight to a bucket',
    rows: 10_000,
    bound: 30 * SECOND,
    window: tumbling(90 * SECOND),
    allowedLateness: 40 * SECOND,
  },
]
