import { ConfigError, formatDuration } from '../base/index.js'
import { type Deployment, SPLITS_A_SOURCE } from './deployment.js'
import { type Bill, estimate, type Measured } from './estimate.js'
import { type Latency, latencyOf } from './latency.js'
import { PRICES } from './prices.js'
import type { Shape } from './shape.js'
import { shardsFor, streamsOf } from './stream.js'
import type { Workload } from './workload.js'

/** Settings of a stack. */
export interface Settings {
  readonly batchSize: number
  readonly windowSeconds: number
  readonly memoryMb: number
  readonly ticksPerMinute: number
}

/** One changed setting, and its effect. */
export interface Step {
  readonly what: string
  readonly usd: number
  readonly latencySeconds: number
}

/** A further saving that is not a setting of the stack. */
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
 * Less memory means less CPU, but waiting is billed by memory alone: a function that mostly waits is cheapest with
 * little memory. Node, its clients and a batch of 6 MB fit into 512 MB. Closing windows uses a third of the heap, and
 * keys that do not fit are closed in ranges.
 */
const MEMORIES_MB = [512, 1_024, 1_769]
const TICK_MINUTES = [1, 2, 3, 4, 5]
const KEY_GROUPS = [1, 2, 4]
/** Rows per second that one key group handles comfortably, and the least saving that is worth reporting. */
const GROUP_RATE = 2_500
const SAVING_USD = 0.5
/** A smaller saving is no reason to change a setting. */
const CENT = 0.01

/**
 * The cheapest settings for a latency. Settings are changed one after another, each to the cheapest value that keeps
 * the latency, until no change helps. `fixed` are settings that the user has made; they are not changed.
 * @throws {ConfigError} `latency-too-short`, with the shortest possible latency
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
  const steps = [step(`current settings: ${NAMES.map((name) => TEXTS[name](from)).join(', ')}`)]
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
    ticksPerMinute === 1 ? 'a tick per minute' : `a tick every ${Math.round(1 / ticksPerMinute)} minutes`,
}

const NAMES = Object.keys(TEXTS) as (keyof Settings)[]

/**
 * The cheapest deployment. Of those that cost the same, the one with the longest window, because it costs least at
 * lower rates, and then the first.
 */
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

/** The candidates, in the order in which they are tried. A window and the batch size are changed together. */
function movesFor(latencyMs: number): readonly (readonly Partial<Settings>[])[] {
  const windows = Array.from({ length: WINDOW_S_MAX + 1 }, (_, windowSeconds) => windowSeconds)
  // Work that no record triggers waits for a tick. The tick interval must not exceed the latency, but may always be one
  // minute.
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
      `A latency of ${formatDuration(latencyMs)} is shorter than this pipeline can reach with these settings and no batching`,
      `window, ${seconds(least.seconds)}: ${seconds(least.poll)} until a poller reads a record,`,
      `${seconds(least.invocations)} of invocations, ${seconds(least.advance)} of minAdvance. Give a longer latency.`,
    ].join(' '),
  )
}

/**
 * Key groups belong to the pipeline, and are fixed once the graph is deployed; a stream belongs to the user. Each
 * advice has the saving that it brings on its own.
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
    const streams =
      shards === 1 ? 'a provisioned stream of 1 shard' : `provisioned streams of ${shards} shards in total`
    const what = `${streams} instead of on-demand streams (--shards ${shards})`
    advice.push({ what, savesUsd: usd - estimate(shape, load, { ...deployment, shards, splits }, measured).usd })
  }
  if (deployment.dashboard)
    advice.push({ what: 'dashboard: false in the stack; the alarms stay', savesUsd: PRICES.dashboard })
  return advice.filter(({ savesUsd }) => savesUsd >= SAVING_USD)
}
