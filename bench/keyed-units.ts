import { memoryStore } from '../lib/state/memory/index.js'
import { Random } from '../lib/testing/random.js'
import { median } from './drive.js'
import { KINDS, type Metered } from './keyed-meter.js'
import { KeyedWorld, keyName, START_MS } from './keyed-world.js'

export type Pattern = 'sparse' | 'dense' | 'bursty'
export const PATTERNS: readonly Pattern[] = ['sparse', 'dense', 'bursty']

export interface KeyedSetting {
  readonly pattern: Pattern
  readonly keys: number
  readonly blockBytes?: number
  readonly tailBytes?: number
  /** How many times the tail is folded at least. Default 1. */
  readonly folds?: number
}

/** The cost of a touched key: a key that has rows in a slice, in a warm container. */
export interface KeyedFigures extends Omit<KeyedSetting, 'folds'> {
  readonly slices: number
  readonly touches: number
  readonly folds: number
  readonly unitsPerTouch: number
  readonly readUnitsPerTouch: number
  readonly requestsPerTouch: number
  readonly blockUnits: number
  readonly slotUnits: number
  readonly cursorUnits: number
  readonly cpuUs: number
  /** CPU time beside that of `JSON.parse` of one event. */
  readonly cpuRatio: number
}

const ROWS = 1_000
const ZIPF = 1.1
/** Slices are closed until the tail is folded, but no more than about this many touches. */
const TOUCHES_MAX = 100_000
const TOUCHES_MIN = 10_000
const PARSED = 20_000

/** Measures whole cycles of the ring: from the end of one fold to the end of another. */
export async function keyedUnits({
  pattern,
  keys,
  blockBytes,
  tailBytes,
  folds: most = 1,
}: KeyedSetting): Promise<KeyedFigures> {
  const world = new KeyedWorld(memoryStore(), {
    ...(blockBytes !== undefined && { blockBytes }),
    ...(tailBytes !== undefined && { tailBytes }),
  })
  await world.populate(keys)
  const draw = drawer(pattern, keys)
  const { store } = world
  for (let warm = 0; store.folds === 0 && warm < TOUCHES_MAX; ) warm += await world.close(draw())
  store.reset()
  const before = store.usage()
  let touches = 0
  let slices = 0
  let seen = -1
  // A slice that ends with a fold ends a cycle.
  while (touches < TOUCHES_MAX && !(store.folds >= most && touches >= TOUCHES_MIN && store.folds !== seen)) {
    seen = store.folds
    touches += await world.close(draw())
    slices++
  }
  const after = store.usage()
  const { metered, cpuUs, folds } = store
  const units = (kind: keyof Metered): number => metered[kind].writeUnits / touches
  const sum = (figure: 'readUnits' | 'writeUnits'): number =>
    KINDS.reduce((all, kind) => all + metered[kind][figure], 0)
  if (sum('writeUnits') !== after.writeUnits - before.writeUnits - slices)
    throw new Error('the units of the benchmark do not add up to those of the store')
  return {
    pattern,
    keys,
    ...(blockBytes !== undefined && { blockBytes }),
    ...(tailBytes !== undefined && { tailBytes }),
    slices,
    touches,
    folds,
    unitsPerTouch: sum('writeUnits') / touches,
    readUnitsPerTouch: sum('readUnits') / touches,
    // The watermark of each slice is published by the benchmark.
    requestsPerTouch: (after.requests - before.requests - slices) / touches,
    blockUnits: units('blocks'),
    slotUnits: units('slots'),
    cursorUnits: units('cursor'),
    cpuUs: cpuUs / touches,
    cpuRatio: cpuUs / touches / parseUs(),
  }
}

/** The CPU time of `JSON.parse` of one event, us. */
function parseUs(): number {
  const texts = Array.from({ length: PARSED }, (_, i) => JSON.stringify({ t: START_MS + i, k: keyName(i), v: i % 100 }))
  const rounds = Array.from({ length: 5 }, () => {
    const started = process.cpuUsage()
    let sum = 0
    for (const text of texts) sum += JSON.parse(text).v
    const { user, system } = process.cpuUsage(started)
    if (sum === 0) throw new Error('the events of the benchmark are empty')
    return (user + system) / texts.length
  })
  return median(rounds)
}

/** Draws the keys of one slice after another. */
export function drawer(pattern: Pattern, keys: number, seed = 1): () => number[] {
  const random = new Random(seed)
  if (pattern === 'dense') return () => Array.from({ length: keys }, (_, i) => i)
  if (pattern === 'sparse') return () => Array.from({ length: ROWS }, () => random.below(keys))
  const sums = new Float64Array(keys)
  let sum = 0
  for (let i = 0; i < keys; i++) {
    sum += 1 / (i + 1) ** ZIPF
    sums[i] = sum
  }
  const one = (): number => {
    const wanted = random.next() * sum
    let low = 0
    let high = keys - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
  return () => Array.from({ length: ROWS }, one)
}
