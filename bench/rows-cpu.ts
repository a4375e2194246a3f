import {
  avg,
  callback,
  count,
  fileSource,
  outOfOrder,
  type Pipeline,
  pipeline,
  type Stream,
  sum,
} from '../lib/index.js'
import { median } from './drive.js'
import type { Reading } from './keyed-world.js'
import { BATCH, type Batches, cpuUsOf, driven, readingBatches, SLICE_MS } from './readings.js'

/** CPU time of an event, us, from its payload to the rows of the operator. */
export interface RowsCpuFigures {
  readonly operator: string
  /** The same over objects in a Map, which nothing stores. */
  readonly plainUs: number
  readonly millraceUs: number
  readonly rows: number
}

const BATCHES = 40
const KEYS = 100
const WITHIN_MS = 5_000
/** A key has a row every 100 ms, on average. */
const QUIET_MS = 200
const WARM_ROUNDS = 1
const ROUNDS = 3

type Keyed = ReturnType<Stream<Reading>['keyBy']>
/** Returns how many rows a reading gives. `clock` is its event time. */
type Plain = () => (reading: Reading) => number

interface Case {
  readonly build: (rows: Keyed) => Stream<any, any>
  readonly plain: Plain
}

function perKey<S>(create: () => S, step: (state: S, reading: Reading) => number): Plain {
  return () => {
    const states = new Map<string, S>()
    return (reading) => {
      let state = states.get(reading.k)
      if (state === undefined) {
        state = create()
        states.set(reading.k, state)
      }
      return step(state, reading)
    }
  }
}

const by = (reading: Reading): number => reading.v
const folds = { n: count<Reading>(), total: sum((reading: Reading) => reading.v) }

/** Each operator, and what does the same where rows come in order and nothing fails. */
const CASES: Readonly<Record<string, Case>> = {
  'process, without state': {
    build: (rows) => rows.process('x', { every: SLICE_MS }, { onRow: (_, row) => [row] }),
    plain: () => () => 1,
  },
  'deduplicate, first': {
    build: (rows) => rows.deduplicate('x', { keep: 'first', within: WITHIN_MS, every: SLICE_MS }),
    plain: perKey(
      () => ({ until: 0 }),
      (state, { t }) => {
        if (t < state.until) return 0
        state.until = t + WITHIN_MS
        return 1
      },
    ),
  },
  'deduplicate, last': {
    build: (rows) => rows.deduplicate('x', { keep: 'last', within: QUIET_MS, every: SLICE_MS }),
    plain: perKey(
      () => ({ last: undefined as Reading | undefined }),
      (state, reading) => {
        const isGiven = state.last !== undefined && reading.t >= state.last.t + QUIET_MS
        state.last = reading
        return isGiven ? 1 : 0
      },
    ),
  },
  lag: {
    build: (rows) => rows.lag('x', { every: SLICE_MS }),
    plain: perKey(
      () => ({ last: undefined as Reading | undefined }),
      (state, reading) => {
        const given = { row: reading, previous: state.last }
        state.last = reading
        return given.row === undefined ? 0 : 1
      },
    ),
  },
  lead: {
    build: (rows) => rows.lead('x', { timeout: WITHIN_MS, every: SLICE_MS }),
    plain: perKey(
      () => ({ last: undefined as Reading | undefined }),
      (state, reading) => {
        const given = state.last && { row: state.last, next: reading }
        state.last = reading
        return given === undefined ? 0 : 1
      },
    ),
  },
  'topN, 10': {
    build: (rows) => rows.topN('x', { n: 10, by, every: SLICE_MS }),
    plain: perKey(
      () => [] as Reading[],
      (best, reading) => {
        const at = best.findIndex(({ v }) => v < reading.v)
        if (at < 0 && best.length === 10) return 0
        best.splice(at < 0 ? best.length : at, 0, reading)
        if (best.length > 10) best.pop()
        return best.length - (at < 0 ? best.length - 1 : at)
      },
    ),
  },
  'rank, 10': {
    build: (rows) => rows.rank('x', { n: 10, by, every: SLICE_MS }),
    plain: perKey(
      () => [] as number[],
      (best, { v }) => {
        const at = best.findIndex((other) => other <= v)
        if (at < 0 && best.length === 10) return 1
        best.splice(at < 0 ? best.length : at, 0, v)
        if (best.length > 10) best.pop()
        return 1
      },
    ),
  },
  'countWindow, 10': {
    build: (rows) => rows.countWindow(10, { every: SLICE_MS }).aggregate('x', folds),
    plain: perKey(
      () => ({ n: 0, total: 0 }),
      (state, { v }) => {
        state.n++
        state.total += v
        if (state.n < 10) return 0
        state.n = 0
        state.total = 0
        return 1
      },
    ),
  },
  'over, 10 rows': {
    build: (rows) => rows.over('x', { rows: 10, every: SLICE_MS }, { mean: avg((reading: Reading) => reading.v) }),
    plain: perKey(
      () => [] as number[],
      (last, { v }) => {
        last.push(v)
        if (last.length > 10) last.shift()
        return last.reduce((a, b) => a + b, 0) / last.length < 0 ? 0 : 1
      },
    ),
  },
  'over, 100 rows': {
    build: (rows) => rows.over('x', { rows: 100, every: SLICE_MS }, { mean: avg((reading: Reading) => reading.v) }),
    plain: perKey(
      () => [] as number[],
      (last, { v }) => {
        last.push(v)
        if (last.length > 100) last.shift()
        return last.reduce((a, b) => a + b, 0) / last.length < 0 ? 0 : 1
      },
    ),
  },
}

/** Batches of 1,000 events, each of one slice and 100 keys, from the event to the sink. */
export async function rowsCpu(): Promise<RowsCpuFigures[]> {
  const batches = readingBatches(BATCHES, KEYS)
  const figures: RowsCpuFigures[] = []
  for (const [operator, { build, plain }] of Object.entries(CASES)) {
    let rows = 0
    const made = pipelineOf(build, (n) => {
      rows += n
    })
    const plainUs: number[] = []
    const millraceUs: number[] = []
    for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
      rows = 0
      const one = await cpuUsOf(() => plainly(batches, plain))
      const other = await cpuUsOf(() => driven(made, batches))
      if (round < 0) continue
      plainUs.push(one / (BATCH * BATCHES))
      millraceUs.push(other / (BATCH * BATCHES))
    }
    if (rows === 0) throw new Error(`${operator} gave no rows in the benchmark`)
    figures.push({ operator, plainUs: median(plainUs), millraceUs: median(millraceUs), rows })
  }
  return figures
}

function plainly(batches: Batches, plain: Plain): void {
  const step = plain()
  let rows = 0
  for (const batch of batches) for (const { data } of batch) rows += step(JSON.parse(data) as Reading)
  if (rows === 0) throw new Error('a plain operator of the benchmark gave no rows')
}

function pipelineOf(build: Case['build'], onRows: (rows: number) => void): Pipeline {
  const counting = (name: string) => callback<any>(name, (rows) => onRows(rows.length))
  const rejecting = callback<any>('rejected', () => {
    throw new Error('the benchmark rejected a row')
  })
  return pipeline('rows', { deadLetter: rejecting, keyGroups: 1, minAdvance: 0 }, (p) => {
    const rows = p.from(fileSource('readings', { timestamp: (e: Reading) => e.t, watermark: outOfOrder(SLICE_MS) }))
    build(rows.keyBy((e) => e.k) as unknown as Keyed).to(counting('out'))
  })
}
