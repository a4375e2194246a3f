import { ConfigError, formatDuration } from '../base/index.js'
import { type Deployment, SPLITS_A_SOURCE } from './deployment.js'
import { type Bill, estimate, type Measured } from './estimate.js'
import { type Latency, latencyOf } from './latency.js'
import { PRICES } from './prices.js'
import type { Shape } from './shape.js'
import { shardsFor, streamsOf } from './stream.js'
import type { Workload } from './workload.js'

/** What a stack sets. */
export interface Settings {
  readonly batchSize: number
  readonly windowSeconds: number
  readonly memoryMb: number
  readonly ticksPerMinute: number
}

/** One setting after another, with what it brings. */
export interface Step {
  readonly what: string
  readonly usd: number
  readonly latencySeconds: number
}

/** What would be cheaper still, and is not the stack's to set. */
export interface Advice {
  readonly what: string
  readonly savesUsd: number
}

export interface Choice {
  readonly deployment: Deployment
  readonly settings: Settings
  readonly bill: Bill
  readonly latency: Latency
  readonly steps: readonly Step[]
  readonly advice: readonly Advice[]
}

const WINDOW_S_MAX = 300
const BATCH_SIZES = [1_000, 10_000]
/**
 * Less memory is less of a CPU, and waiting costs by memory alone: what mostly waits is cheapest with little. Node,
 * its clients and a batch of 6 MB have room in 512 MB; closing windows takes a third of the heap, and more keys than
 * fit are closed in ranges.
 */
const MEMORIES_MB = [512, 1_024, 1_769]
const TICK_MINUTES = [1, 2, 3, 4, 5]
const KEY_GROUPS = [1, 2, 4]
/** Rows a second that one key group takes with room to spare, and a saving that is worth a word. */
const GROUP_RATE = 2_500
const SAVING_USD = 0.5
/** Less than this is no reason to change a setting. */
const CENT = 0.01

/**
 * The cheapest settings for a latency: one after another, each the cheapest that keeps the latency, until none helps.
 * `fixed` are settings that somebody has made, which stay.
 * @throws {ConfigError} `latency-too-short`, with the least that there is
 */
export function cheapest(
  shape: Shape,
  load: Workload,
  from: Deployment,
  latencyMs: number,
  { measured, fixed = [] }: { readonly measured?: Measured | undefined; readonly fixed?: readonly (keyof Settings)[] },
): Choice {
  const billOf = (of: Deployment): Bill => estimate(shape, load, of, measured)
  const secondsOf = (of: Deployment): Latency => latencyOf(shape, load, of, measured?.cpuUs)
  const moves = movesFor(latencyMs).map((move) => move.map((values) => without(values, fixed)))
  let deployment = from
  const step = (what: string): Step => ({
    what,
    usd: billOf(deployment).usd,
    latencySeconds: secondsOf(deployment).seconds,
  })
  const isKept = (of: Deployment): boolean => secondsOf(of).seconds * 1_000 <= latencyMs
  const steps = [step(`as it is: ${NAMES.map((name) => TEXTS[name](from)).join(', ')}`)]
  for (let isChanged = true, turn = 0; isChanged && turn < moves.length; turn++) {
    isChanged = false
    for (const move of moves) {
      const kept = [
        ...(isKept(deployment) ? [deployment] : []),
        ...move.map((of) => ({ ...deployment, ...of })).filter(isKept),
      ]
      const best = leastOf(kept, (of) => billOf(of).usd)
      if (best === undefined || NAMES.every((name) => best[name] === deployment[name])) continue
      const before = deployment
      deployment = best
      isChanged = true
      const changed = NAMES.filter((name) => before[name] !== best[name])
      steps.push(step(changed.map((name) => TEXTS[name](best)).join(', ')))
    }
  }
  const latency = secondsOf(deployment)
  if (latency.seconds * 1_000 > latencyMs) throw tooShort(latencyMs, secondsOf({ ...deployment, windowSeconds: 0 }))
  const { batchSize, windowSeconds, memoryMb, ticksPerMinute } = deployment
  return {
    deployment,
    settings: { batchSize, windowSeconds, memoryMb, ticksPerMinute },
    bill: billOf(deployment),
    latency,
    steps,
    advice: adviceOf(shape, load, deployment, measured),
  }
}

const TEXTS: Readonly<Record<keyof Settings, (of: Settings) => string>> = {
  windowSeconds: ({ windowSeconds }) => `a window of ${windowSeconds} s`,
  batchSize: ({ batchSize }) => `batches of ${batchSize}`,
  memoryMb: ({ memoryMb }) => `${memoryMb} MB`,
  ticksPerMinute: ({ ticksPerMinute }) =>
    ticksPerMinute === 1 ? 'a tick a minute' : `a tick each ${Math.round(1 / ticksPerMinute)} minutes`,
}

const NAMES = Object.keys(TEXTS) as (keyof Settings)[]

/** The cheapest; of what costs the same the longest window, which costs least when less comes, and then the first. */
function leastOf(all: readonly Deployment[], usdOf: (of: Deployment) => number): Deployment | undefined {
  const priced = all.map((of) => ({ of, usd: usdOf(of) }))
  const least = Math.min(...priced.map(({ usd }) => usd))
  return priced
    .filter(({ usd }) => usd < least + CENT)
    .reduce<Deployment | undefined>(
      (best, { of }) => (best === undefined || of.windowSeconds > best.windowSeconds ? of : best),
      undefined,
    )
}

/** What is tried, in turn. A window and the batch that comes within it go together. */
function movesFor(latencyMs: number): readonly (readonly Partial<Settings>[])[] {
  const windows = Array.from({ length: WINDOW_S_MAX + 1 }, (_, windowSeconds) => windowSeconds)
  // What no record triggers waits for a tick: no longer than is asked for, but a minute.
  const minutes = TICK_MINUTES.filter((each) => each === 1 || each * 60_000 <= latencyMs)
  return [
    BATCH_SIZES.flatMap((batchSize) => windows.map((windowSeconds) => ({ windowSeconds, batchSize }))),
    MEMORIES_MB.map((memoryMb) => ({ memoryMb })),
    minutes.map((each) => ({ ticksPerMinute: 1 / each })),
  ]
}

function without(values: Partial<Settings>, fixed: readonly (keyof Settings)[]): Partial<Settings> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !fixed.includes(name as keyof Settings)))
}

function tooShort(latencyMs: number, least: Latency): ConfigError {
  const seconds = (value: number): string => `${Math.ceil(value * 10) / 10} s`
  return new ConfigError(
    'latency-too-short',
    [
      `A latency of ${formatDuration(latencyMs)} is shorter than this pipeline has with these settings and no batching`,
      `window, ${seconds(least.seconds)}: ${seconds(least.poll)} until a poller sees a record,`,
      `${seconds(least.invocations)} of invocations, ${seconds(least.advance)} of minAdvance. Give a longer one.`,
    ].join(' '),
  )
}

/**
 * Key groups are the pipeline's, and a deployed graph keeps them; a stream is whoever made it. Each with what it
 * alone would save.
 */
function adviceOf(shape: Shape, load: Workload, deployment: Deployment, measured: Measured | undefined): Advice[] {
  const advice: Advice[] = []
  const { usd } = estimate(shape, load, deployment, measured)
  const least = KEY_GROUPS.find((groups) => load.recordsPerSecond <= groups * GROUP_RATE) ?? Number.POSITIVE_INFINITY
  const most = Math.max(0, ...shape.operators.map(({ keyGroups }) => keyGroups))
  if (least < most) {
    const operators = shape.operators.map((of) => ({ ...of, keyGroups: least, lanes: Math.min(of.lanes, least) }))
    const what = `keyGroups: ${least} in the pipeline, before its first deploy: a deployed graph keeps its key groups`
    advice.push({ what, savesUsd: usd - estimate({ ...shape, operators }, load, deployment, measured).usd })
  }
  if (streamsOf(shape) > 0 && deployment.shards === undefined) {
    const shards = shardsFor(shape, load)
    const splits = Math.max(1, deployment.splits - SPLITS_A_SOURCE * streamsOf(shape) + shards)
    const streams = shards === 1 ? 'a provisioned stream of 1 shard' : `provisioned streams of ${shards} shards in all`
    const what = `${streams} in the place of streams on demand (--shards ${shards})`
    advice.push({ what, savesUsd: usd - estimate(shape, load, { ...deployment, shards, splits }, measured).usd })
  }
  if (deployment.dashboard)
    advice.push({ what: 'dashboard: false in the stack; the alarms stay', savesUsd: PRICES.dashboard })
  return advice.filter(({ savesUsd }) => savesUsd >= SAVING_USD)
}
