import { getHeapStatistics } from 'node:v8'
import { ADVANCE_BYTES_MAX, ADVANCE_HEAP_SHARE, ConfigError, checkOptions, type OptionNames } from '../base/index.js'
import { emfMetrics, jsonLogger, randomIds, systemClock } from '../observe/index.js'
import { type Pipeline, plan } from '../pipeline/index.js'
import type {
  Clock,
  Ids,
  Logger,
  Metrics,
  Queue,
  Sink,
  SinkContext,
  SinkNode,
  SourceInspector,
  StateStore,
} from '../ports/index.js'
import { Host } from '../runtime/host.js'
import { LIMITS, type Limits } from '../runtime/limits.js'
import { FunctionTimeout } from './timeout.js'

/** What the environment binds to a pipeline's logical names. Everything but `state` has a default. */
export interface Bindings {
  /** The state store, or a function that opens it, once per container. */
  readonly state: StateStore | (() => Promise<StateStore>)
  /** Opens a sink in another way than its own; return undefined to use the sink's own way. */
  readonly sink?: (node: SinkNode<any>) => Promise<Sink> | undefined
  /** Physical names of sinks' resources (such as a table's name) by logical name, if the two differ. */
  readonly resources?: Readonly<Record<string, string>>
  /** Inspectors of the sources that can be asked for their splits, by logical name (invariants 5, 6). */
  readonly inspectors?: Readonly<Record<string, SourceInspector>>
  /**
   * Logical source names, keyed by the origin that events state (a stream's name, a topic), if the two differ. If a
   * stream and a topic share a name, the keys are `kinesis:NAME` and `kafka:NAME`. If several origins share a name, the
   * key is `NAME@PLACE`. The place is the stream's ARN, the ARN of an MSK cluster, or a broker's `host:port`; bind each
   * of them if a cluster has several.
   */
  readonly origins?: Readonly<Record<string, string>>
  /**
   * Whether the Kafka mapping runs provisioned pollers, the only ones that accept partial responses. Default false: a
   * failure throws.
   */
  readonly kafkaPartialAnswers?: boolean
  readonly clock?: Clock
  readonly ids?: Ids
  readonly logger?: Logger
  readonly metrics?: Metrics
  readonly queue?: Queue
  /** Default 1. A restore or a replay opens a new run. */
  readonly run?: number
  /**
   * The name in logs and metrics, if one account has several deployments of a pipeline. Default: the pipeline's name.
   */
  readonly deployment?: string
  /**
   * How much work is done at a time. Results never depend on it. `advanceBytes` is the heap that closing windows may
   * fill, by default a third of the process's heap.
   */
  readonly limits?: Partial<Limits>
  /** The function's timeout, in ms. Default: the time that the first invocation has left when it begins. */
  readonly timeoutMs?: number
}

const OPTIONS: OptionNames<Bindings> = {
  state: true,
  sink: true,
  resources: true,
  inspectors: true,
  origins: true,
  kafkaPartialAnswers: true,
  clock: true,
  ids: true,
  logger: true,
  metrics: true,
  queue: true,
  run: true,
  deployment: true,
  limits: true,
  timeoutMs: true,
}

/** A pipeline with its services. It is created on a container's first invocation and kept. */
export interface Container {
  readonly host: Host
  readonly bindings: Bindings
  readonly store: StateStore
  readonly timeout: FunctionTimeout
  /** The name in logs and metrics. */
  readonly deployment: string
}

/** Opens what a handler needs, once. After a failure, the next invocation tries again. */
export function container(pipeline: Pipeline, bindings: Bindings | undefined): () => Promise<Container> {
  let opened: Promise<Container> | undefined
  return () => {
    opened ??= openContainer(pipeline, bindings).catch((error) => {
      opened = undefined
      throw error
    })
    return opened
  }
}

async function openContainer(pipeline: Pipeline, given: Bindings | undefined): Promise<Container> {
  if (given?.state === undefined) {
    throw new ConfigError(
      'no-state',
      `The handler of "${pipeline.name}" needs a state store: pass { state } as its second argument, such as ingest(pipeline, { state: memoryStore }).`,
    )
  }
  const what = `The bindings of "${pipeline.name}"`
  checkOptions<Bindings>(what, given, OPTIONS)
  checkOptions(`${what}, limits,`, given.limits, LIMITS)
  checkNames(pipeline, given)
  const { state } = given
  const store = typeof state === 'function' ? await state() : state
  const clock = given.clock ?? systemClock
  const run = given.run ?? 1
  const deployment = given.deployment ?? pipeline.name
  const timeout = new FunctionTimeout(given.timeoutMs)
  const host = new Host(pipeline, {
    store,
    clock,
    run,
    openSink: (node) => given.sink?.(node) ?? node.open(sinkContext(pipeline, run, bound(given.resources, node.name))),
    inspector: (source) => bound(given.inspectors, source),
    ids: given.ids ?? randomIds,
    logger: given.logger ?? jsonLogger(undefined, { pipeline: deployment }),
    metrics: given.metrics ?? emfMetrics(() => clock.now()),
    get timeoutMs() {
      return timeout.ms
    },
    ...(given.queue && { queue: given.queue }),
    limits: { advanceBytes: foldBytes(), ...given.limits },
  })
  return { host, bindings: given, store, timeout, deployment }
}

/** The rest of the heap is for a batch, for rows on their way to sinks, and for garbage that is not collected yet. */
const foldBytes = (): number => Math.min(ADVANCE_BYTES_MAX, getHeapStatistics().heap_size_limit * ADVANCE_HEAP_SHARE)

/**
 * Returns what is bound to a name. Names come from outside too: a topic may be called `constructor`, a property that
 * every object inherits.
 */
export function bound<T>(names: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return names !== undefined && Object.hasOwn(names, name) ? names[name] : undefined
}

/**
 * Refuses bindings for names that the pipeline does not have. Such a mistake would otherwise go unnoticed: a sink would
 * write to another table, or a source would never be asked.
 */
function checkNames(pipeline: Pipeline, { resources = {}, inspectors = {}, origins = {} }: Bindings): void {
  const { sources, sinks } = plan(pipeline)
  const known = { source: sources.map(({ name }) => name), sink: sinks.map(({ name }) => name) }
  const check = (what: string, kind: keyof typeof known, names: readonly string[]): void => {
    const unknown = names.find((name) => !known[kind].includes(name))
    if (unknown === undefined) return
    throw new ConfigError(
      'unknown-name',
      `${what} names the ${kind} "${unknown}", but pipeline "${pipeline.name}" has ${known[kind].join(', ') || 'none'}.`,
    )
  }
  check('resources', 'sink', Object.keys(resources))
  check('inspectors', 'source', Object.keys(inspectors))
  check('origins', 'source', Object.values(origins))
}

function sinkContext(pipeline: Pipeline, run: number, resource: string | undefined): SinkContext {
  return { pipeline: pipeline.name, run, ...(resource !== undefined && { resource }) }
}
