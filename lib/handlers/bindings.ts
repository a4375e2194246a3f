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

/** What the outside binds to a pipeline's logical names. All but `state` has a default. */
export interface Bindings {
  /** The state store, or how to open it: once a container. */
  readonly state: StateStore | (() => Promise<StateStore>)
  /** Opens a sink in another way than its own; undefined leaves it be. */
  readonly sink?: (node: SinkNode<any>) => Promise<Sink> | undefined
  /** Physical names of sinks' resources (a table's name) by logical name, where the two differ. */
  readonly resources?: Readonly<Record<string, string>>
  /** Sources that can be asked for their splits, by logical name (invariants 5, 6). */
  readonly inspectors?: Readonly<Record<string, SourceInspector>>
  /**
   * Logical source names by what events say of their origin (a stream's name, a topic), where the two differ;
   * `kinesis:NAME` and `kafka:NAME` where a stream and a topic have one name; `NAME@PLACE` where several have it: the
   * place is the stream's ARN, that of a cluster of MSK, or a broker's `host:port`, each of them where a cluster has
   * several.
   */
  readonly origins?: Readonly<Record<string, string>>
  /**
   * Whether the Kafka mapping runs provisioned pollers, which alone take partial answers. Default false: a failure
   * throws.
   */
  readonly kafkaPartialAnswers?: boolean
  readonly clock?: Clock
  readonly ids?: Ids
  readonly logger?: Logger
  readonly metrics?: Metrics
  readonly queue?: Queue
  /** Default 1. A restore or a replay opens a new run. */
  readonly run?: number
  /** What logs and metrics call it, where one account has several. Default: the pipeline's name. */
  readonly deployment?: string
  /**
   * How much is done at a time. Results never hang on it; `advanceBytes` is the heap that closing windows may fill, by
   * default a third of the process's.
   */
  readonly limits?: Partial<Limits>
  /** The function's timeout, ms. Default: what the first invocation has left as it begins. */
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

/** A pipeline with its services, made on a container's first invocation and kept. */
export interface Container {
  readonly host: Host
  readonly bindings: Bindings
  readonly store: StateStore
  readonly timeout: FunctionTimeout
  /** What logs and metrics call it. */
  readonly deployment: string
}

/** Opens what a handler needs, once; a failure is tried again by the next invocation. */
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

/** The rest of the heap is for a batch, for rows on their way to sinks, and for what waits to be collected. */
const foldBytes = (): number => Math.min(ADVANCE_BYTES_MAX, getHeapStatistics().heap_size_limit * ADVANCE_HEAP_SHARE)

/**
 * What is bound to a name. Names come from outside too: a topic may be called `constructor`, which every object has.
 */
export function bound<T>(names: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return names !== undefined && Object.hasOwn(names, name) ? names[name] : undefined
}

/**
 * A name that is bound and not there is a slip that would go unnoticed: a table of another name, a source that is never
 * asked.
 */
function checkNames(pipeline: Pipeline, { resources = {}, inspectors = {}, origins = {} }: Bindings): void {
  const { sources, sinks } = plan(pipeline)
  const known = { source: sources.map(({ name }) => name), sink: sinks.map(({ name }) => name) }
  const check = (what: string, kind: keyof typeof known, names: readonly string[]): void => {
    const unknown = names.find((name) => !known[kind].includes(name))
    if (unknown === undefined) return
    throw new ConfigError(
      'unknown-name',
      `${what} names the ${kind} "${unknown}"; pipeline "${pipeline.name}" has ${known[kind].join(', ') || 'none'}.`,
    )
  }
  check('resources', 'sink', Object.keys(resources))
  check('inspectors', 'source', Object.keys(inspectors))
  check('origins', 'source', Object.values(origins))
}

function sinkContext(pipeline: Pipeline, run: number, resource: string | undefined): SinkContext {
  return { pipeline: pipeline.name, run, ...(resource !== undefined && { resource }) }
}
