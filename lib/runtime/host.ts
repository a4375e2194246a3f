import { CACHE_BYTES_MAX, MillraceError, StopError } from '../base/index.js'
import {
  difference,
  fingerprint,
  type InputPlan,
  manifest,
  type OperatorPlan,
  type Pipeline,
  type Plan,
  plan,
  type StagePlan,
} from '../pipeline/index.js'
import type {
  Clock,
  Ids,
  Item,
  Logger,
  Metrics,
  Queue,
  Sink,
  SinkNode,
  SourceInspector,
  StateStore,
} from '../ports/index.js'
import type { KeyedState } from './keyed/keyed-state.js'
import { openState } from './keyed/load.js'
import { pipelineKey, runPrefix } from './keys.js'
import { LaneCache } from './lane-cache.js'
import { LIMITS, type Limits } from './limits.js'
import { Program } from './program.js'

/** The format of the state in the table. A version that reads another format refuses it. */
const STATE_FORMAT = 3

/** Everything that a pipeline needs from its environment. There is one object per container. */
export interface Services {
  readonly store: StateStore
  /** Opens a sink of the pipeline in this host's way. */
  readonly openSink: (node: SinkNode<any>) => Promise<Sink>
  /** A source that can list its splits (invariants 5, 6), or undefined. */
  readonly inspector: (source: string) => SourceInspector | undefined
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  readonly metrics: Metrics
  readonly queue?: Queue
  /** Default 1. A restore or a replay opens a new run. */
  readonly run?: number
  readonly limits?: Partial<Limits>
  /** The function's timeout, in ms. Two timeouts without a checkpoint make an attempt careful (invariant 14). */
  readonly timeoutMs: number
}

/** The time left to an invocation. */
export interface Deadline {
  remainingMs(): number
}

/** A pipeline in one container: its plan, its compiled steps and its warm caches. */
export class Host {
  readonly plan: Plan
  readonly services: Services
  readonly run: number
  readonly prefix: string
  readonly limits: Limits
  private readonly programs = new Map<number, Program>()
  private readonly caches = new Map<string, LaneCache>()
  private readonly states = new Map<string, KeyedState>()
  private readonly sinks = new Map<SinkNode<any>, Promise<Sink>>()
  private readonly marks = new Map<number, number>()
  private readonly warned = new Set<string>()
  private checked: Promise<void> | undefined

  constructor(pipeline: Pipeline, services: Services) {
    this.plan = plan(pipeline)
    this.services = services
    this.run = services.run ?? 1
    this.prefix = runPrefix(pipeline.name, this.run)
    this.limits = { ...LIMITS, ...services.limits }
  }

  /**
   * The steps after an input. The input is a source, or an operator whose results go to its sinks and to later
   * operators.
   */
  program(node: number): Program {
    let program = this.programs.get(node)
    if (program === undefined) {
      program = new Program(this.plan, node)
      this.programs.set(node, program)
    }
    return program
  }

  stageOf(source: string): { stage: StagePlan; input: InputPlan } {
    for (const stage of this.plan.stages) {
      const input = stage.inputs.find((candidate) => candidate.name === source)
      if (input) return { stage, input }
    }
    throw new MillraceError('unknown-source', `Pipeline "${this.plan.pipeline.name}" has no source "${source}".`)
  }

  /** The stage that reads an operator's results, if there is one. */
  stageAfter(operator: string): StagePlan | undefined {
    return this.plan.stages.find((stage) =>
      stage.inputs.some((input) => input.kind === 'operator' && input.name === operator),
    )
  }

  /** Returns this container's cache of a lane. */
  lane(operator: OperatorPlan, lane: number): LaneCache {
    const name = `${operator.name}#${lane}`
    const cache = this.caches.get(name) ?? new LaneCache(operator)
    // Keeps the map in order of use, with the most recently used cache last.
    this.caches.delete(name)
    this.caches.set(name, cache)
    return cache
  }

  /** Returns this container's copy of the keyed state of a key group. */
  async keyed(operator: OperatorPlan, keyGroup: number): Promise<KeyedState> {
    const name = `${operator.name}#${keyGroup}`
    const made = this.states.get(name) ?? (await openState(this, operator, keyGroup))
    const state = this.states.get(name) ?? made
    this.states.delete(name)
    this.states.set(name, state)
    return state
  }

  /**
   * The newest time at which a stage was marked, as far as this container knows. The container's own clock may be
   * behind it.
   */
  newestMark(stage: number): number {
    return this.marks.get(stage) ?? Number.NEGATIVE_INFINITY
  }

  noteMark(stage: number, at: number): void {
    if (at > this.newestMark(stage)) this.marks.set(stage, at)
  }

  /**
   * Frees memory until the caches are within their limit, the least recently used first. Keyed state loses its blocks
   * first: to read its tail and its splits again takes many requests for few bytes.
   */
  trimCaches(): void {
    const lanes = [...this.caches.values()]
    const states = [...this.states.values()]
    let excess = -Math.min(CACHE_BYTES_MAX, this.limits.advanceBytes)
    for (const { bytes } of [...lanes, ...states]) excess += bytes
    const free = <C extends LaneCache | KeyedState>(caches: readonly C[], work: (cache: C) => void): void => {
      for (const cache of caches) {
        if (excess <= 0) return
        if (cache.busy) continue
        const before = cache.bytes
        work(cache)
        excess -= before - cache.bytes
      }
    }
    free(lanes, (lane) => lane.clear())
    free(states, (state) => state.trim(state.bytes - excess))
    free(states, (state) => state.clear())
  }

  /** Logs a warning once per container and source. */
  warnOnce(message: string, fields: Readonly<Record<string, unknown>>): void {
    const key = `${message} ${String(fields.source)}`
    if (this.warned.has(key)) return
    this.warned.add(key)
    this.services.logger.warn(message, fields)
  }

  sink(node: SinkNode<any>): Promise<Sink> {
    let sink = this.sinks.get(node)
    if (sink === undefined) {
      sink = this.services.openSink(node)
      this.sinks.set(node, sink)
      // If a sink could not be opened, the next attempt tries again.
      sink.catch(() => this.sinks.delete(node))
    }
    return sink
  }

  async close(): Promise<void> {
    for (const sink of this.sinks.values()) await (await sink).close()
    this.sinks.clear()
  }

  /** Checks once per container that the state belongs to this graph. Otherwise the error names the first difference. */
  ready(): Promise<void> {
    this.checked ??= this.checkFingerprint().catch((error) => {
      this.checked = undefined
      throw error
    })
    return this.checked
  }

  private async checkFingerprint(): Promise<void> {
    const { store, clock } = this.services
    const key = pipelineKey(this.prefix)
    const mine = fingerprint(this.plan)
    let [item] = await store.get([key])
    if (item === undefined) {
      // guard: fingerprint-first
      await store.insert([
        {
          ...key,
          fingerprint: mine,
          manifest: JSON.stringify(manifest(this.plan)),
          format: STATE_FORMAT,
          at: clock.now(),
        },
      ])
      ;[item] = await store.get([key])
    }
    // guard: state-format
    if (item?.format !== STATE_FORMAT) {
      throw new StopError(
        'unknown-format',
        `The state of "${this.prefix}" has format ${String(item?.format)}, but this version reads format ${STATE_FORMAT}. Run the version that wrote it, or open a new run.`,
      )
    }
    if (item.fingerprint === mine) return // guard: fingerprint
    throw otherGraph(item, this.plan, this.run)
  }
}

/** The error for state that belongs to another graph. It names the first difference. */
function otherGraph(item: Item, plan: Plan, run: number): StopError {
  const change = difference(JSON.parse(item.manifest as string), JSON.parse(JSON.stringify(manifest(plan))))
  return new StopError(
    'graph-changed',
    `The state of run ${run} of "${plan.pipeline.name}" belongs to another graph: ${change ?? 'its fingerprint differs'}. Deploy the graph that wrote it, or open a new run (locally: --fresh).`,
  )
}

/**
 * Checks that existing state belongs to the pipeline's graph, before anything is created. Missing state is accepted.
 * @throws {StopError} graph-changed
 */
export async function checkGraph(store: StateStore, plan: Plan, run: number): Promise<void> {
  const [item] = await store.get([pipelineKey(runPrefix(plan.pipeline.name, run))])
  if (item !== undefined && item.fingerprint !== fingerprint(plan)) throw otherGraph(item, plan, run)
}
