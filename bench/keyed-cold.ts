import { memoryStore } from '../lib/state/memory/index.js'
import { median } from './drive.js'
import { KINDS, type MeteredStore } from './keyed-meter.js'
import { drawer } from './keyed-units.js'
import { KeyedWorld } from './keyed-world.js'

/** What it costs to close a slice of about 1,000 keys of a key group that the container has never seen. */
export interface ColdKeyedFigures {
  readonly keys: number
  /** The bytes of the states and keys. */
  readonly stateBytes: number
  /** Write units that it took to write the blocks. */
  readonly blocks: number
  readonly touches: number
  readonly requests: number
  readonly blockRequests: number
  readonly readUnits: number
  readonly cpuMs: number
  /** With a store that takes `LATENCY_MS` for each request. */
  readonly elapsedMs: number
  readonly rounds: number
}

export interface ColdTask {
  readonly keys: number
  readonly growth: number
}

/** With this much state for a key, 1 GB has two million keys. */
export const NOTE_CHARS = 400
const TAIL_SLICES = 1
const OPENED = 2
export const LATENCY_MS = 10

export async function keyedCold({ keys, growth }: ColdTask): Promise<ColdKeyedFigures> {
  const store = memoryStore()
  // No fold falls into the slices that are measured.
  const world = new KeyedWorld(store, { tailBytes: Number.MAX_SAFE_INTEGER })
  const before = store.usage().writeUnits
  const stateBytes = await world.populate(keys, growth, NOTE_CHARS)
  const blocks = store.usage().writeUnits - before
  const draw = drawer('sparse', keys)
  for (let i = 0; i < TAIL_SLICES; i++) await world.close(draw())
  const all: Opened[] = []
  for (let i = 0; i < OPENED; i++) all.push(await opened(world, draw()))
  const of = (figure: keyof Opened): number => median(all.map((one) => one[figure]))
  const slow = world.slowed(LATENCY_MS)
  const elapsed: Opened[] = []
  for (let i = 0; i < OPENED; i++) elapsed.push(await opened(slow, draw()))
  return {
    keys,
    stateBytes,
    blocks,
    touches: of('touches'),
    requests: of('requests'),
    blockRequests: of('blockRequests'),
    readUnits: of('readUnits'),
    cpuMs: of('cpuMs'),
    elapsedMs: median(elapsed.map((one) => one.elapsedMs)),
    rounds: median(elapsed.map((one) => one.rounds)),
  }
}

interface Opened {
  readonly touches: number
  readonly requests: number
  readonly blockRequests: number
  readonly readUnits: number
  readonly cpuMs: number
  readonly elapsedMs: number
  readonly rounds: number
}

async function opened(world: KeyedWorld, touched: readonly number[]): Promise<Opened> {
  world.reopen()
  world.store.reset()
  const started = performance.now()
  const touches = await world.close(touched)
  const elapsedMs = performance.now() - started
  const { metered, cpuUs, rounds } = world.store as MeteredStore
  const sum = (figure: 'reads' | 'writes' | 'readUnits'): number =>
    KINDS.reduce((all, kind) => all + metered[kind][figure], 0)
  return {
    touches,
    requests: sum('reads') + sum('writes'),
    blockRequests: metered.blocks.reads,
    readUnits: sum('readUnits'),
    cpuMs: cpuUs / 1000,
    elapsedMs,
    rounds,
  }
}
