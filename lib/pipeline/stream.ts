import type { AggregateMap, ResultOf } from '../aggregate/index.js'
import { ConfigError, checkFunction, type Key, type Sync } from '../base/index.js'
import type { KeyedWindowSpec, ProcessHandlers, StateMap } from '../keyed/index.js'
import type { RecordMeta, SinkNode, SourceNode } from '../ports/index.js'
import type { WindowSpec } from '../window/index.js'
import { checkFolds } from './folds.js'
import type { Accumulation, GraphNode } from './graph.js'
import type { KeyedNode } from './keyed-step.js'
import { isKeyedWindow, keyedWindowStep } from './keyed-window.js'
import { refuseOthers } from './missteps.js'
import { type ProcessOptions, settleProcess } from './process-options.js'
import type { RunningResult, WindowResult } from './result.js'
import { RowOperators } from './row-operators.js'
import { type RunningOptions, runningStep } from './running-step.js'
import { checkWindow, settleWindow, type WindowOptions } from './window-options.js'

/** A graph node before it has its id. */
type Unplaced = GraphNode extends infer N ? (N extends GraphNode ? Omit<N, 'id'> : never) : never

/** Collects the nodes of a pipeline while it is built. */
export class Builder {
  readonly nodes: GraphNode[] = []
  private sealed = false

  add(node: Unplaced): number {
    if (this.sealed) {
      throw new ConfigError(
        'pipeline-frozen',
        'A pipeline is frozen once its build function returns: add all steps inside the build function.',
      )
    }
    const id = this.nodes.length
    this.nodes.push(Object.freeze({ ...node, id } as GraphNode))
    return id
  }

  seal(): readonly GraphNode[] {
    this.sealed = true
    return Object.freeze(this.nodes)
  }

  /**
   * Reads one or more sources of the same shape as one stream.
   * @example p.from(orders, legacyOrders)
   */
  from<T>(...sources: readonly [SourceNode<T>, ...SourceNode<T>[]]): Stream<T, RecordMeta> {
    if (sources.length === 0) throw new ConfigError('no-source', 'from() takes at least one source.')
    const ids = sources.map((source) => {
      if (source?.kind !== 'source') {
        throw new ConfigError(
          'bad-source',
          'from() takes sources, such as those that kinesisSource(), kafkaSource() and fileSource() return.',
        )
      }
      if (sources.indexOf(source) !== sources.lastIndexOf(source)) {
        throw new ConfigError(
          'name-taken',
          `from() reads each source once; "${source.name}" is given twice, which would count its rows twice.`,
        )
      }
      const known = this.nodes.find((node) => node.kind === 'source' && node.source === source)
      return known ? known.id : this.add({ kind: 'source', source })
    })
    return new Stream<T, RecordMeta>(this, ids.length === 1 ? ids[0]! : this.add({ kind: 'merge', inputs: ids }))
  }
}

/**
 * A stream of rows. Each step returns a new stream, and a stream may have any number of readers. `Meta` is the type of
 * the metadata that steps receive with each row: a `RecordMeta` after a source, undefined after an aggregate, whose
 * results are not records. Its fields are valid only during the call.
 */
export class Stream<T, Meta = RecordMeta | undefined> {
  /** Type only. */
  declare readonly '~row': T
  /** Type only. */
  declare readonly '~meta': Meta
  protected readonly builder: Builder
  protected readonly id: number

  constructor(builder: Builder, id: number) {
    this.builder = builder
    this.id = id
  }

  /**
   * Replaces each row with the result of `fn`, which must be pure and synchronous.
   * @example orders.map(order => ({ ...order, net: order.total - order.tax }))
   * @example orders.map((order, meta) => ({ ...order, trace: meta.header('trace') ?? null }))
   */
  map<U>(fn: (value: T, meta: Meta) => Sync<U>): Stream<U, Meta> {
    checkFunction('bad-step', 'map', fn)
    return new Stream<U, Meta>(this.builder, this.builder.add({ kind: 'map', input: this.id, fn }))
  }

  /**
   * Keeps the rows for which `fn` returns true. The others are counted as filtered.
   * @example orders.filter(order => order.status === 'paid')
   */
  filter<U extends T>(fn: (value: T, meta: Meta) => value is U): Stream<U, Meta>
  filter(fn: (value: T, meta: Meta) => boolean): Stream<T, Meta>
  filter(fn: (value: T, meta: Meta) => boolean): Stream<T, Meta> {
    checkFunction('bad-step', 'filter', fn)
    return new Stream<T, Meta>(this.builder, this.builder.add({ kind: 'filter', input: this.id, fn }))
  }

  /**
   * Replaces each row with any number of rows.
   * @example orders.flatMap(order => order.lines)
   */
  flatMap<U>(fn: (value: T, meta: Meta) => Iterable<Sync<U>>): Stream<U, Meta> {
    checkFunction('bad-step', 'flatMap', fn)
    return new Stream<U, Meta>(this.builder, this.builder.add({ kind: 'flat-map', input: this.id, fn }))
  }

  /**
   * Combines this stream and others of the same shape into one.
   * @example p.from(orders).map(toSale).merge(p.from(refunds).map(toNegativeSale))
   */
  merge<Other>(...others: readonly [Stream<T, Other>, ...Stream<T, Other>[]]): Stream<T, Meta | Other> {
    for (const other of others) {
      // Ids are only unique within one graph: the id of a stream of another graph would name some other node of this
      // one.
      if (other instanceof Stream && other.builder === this.builder) continue
      throw new ConfigError('bad-step', 'merge() takes streams of the pipeline that is being built.')
    }
    const inputs = [this.id, ...others.map((other) => other.id)]
    return new Stream<T, Meta | Other>(this.builder, this.builder.add({ kind: 'merge', inputs }))
  }

  /**
   * Removes the rows for which `test` returns true from this stream and passes them to `build`. Returns the stream of
   * all other rows. If `test` is a type guard, both streams have the type that it leaves them.
   * @example orders.sideOutput(o => o.total > 10_000, large => large.to(ndjson('large')))
   */
  sideOutput<U extends T>(
    test: (value: T, meta: Meta) => value is U,
    build: (side: Stream<U, Meta>) => unknown,
  ): Stream<Exclude<T, U>, Meta>
  sideOutput(test: (value: T, meta: Meta) => boolean, build: (side: Stream<T, Meta>) => unknown): Stream<T, Meta>
  sideOutput(test: (value: T, meta: Meta) => boolean, build: (side: any) => unknown): any {
    checkFunction('bad-step', 'sideOutput', test)
    checkFunction('bad-step', 'sideOutput', build)
    const divert = this.builder.add({ kind: 'divert', input: this.id, fn: test })
    build(new Stream<T, Meta>(this.builder, this.builder.add({ kind: 'side', input: divert })))
    return new Stream<T, Meta>(this.builder, divert)
  }

  /**
   * Assigns a key to each row. Rows with the same key are aggregated together. A key is a primitive or a tuple of
   * primitives.
   * @example orders.keyBy(order => [order.country, order.customerId])
   * @example orders.keyBy((_, meta) => hex(meta.keyBytes))
   */
  keyBy<const K extends Key>(key: (value: T, meta: Meta) => K): KeyedStream<T, K, Meta> {
    checkFunction('bad-step', 'keyBy', key)
    return new KeyedStream<T, K, Meta>(this.builder, this.id, key)
  }

  /**
   * Sends each row to a sink. Returns this stream, so that more steps or sinks may follow.
   * @example results.to(ndjson('revenue')).to(consoleSink())
   */
  to(sink: SinkNode<T>): this {
    checkSink('to()', sink)
    this.builder.add({ kind: 'sink', input: this.id, sink })
    return this
  }
}

export function checkSink(what: string, sink: SinkNode<any>): void {
  if (sink?.kind !== 'sink') {
    throw new ConfigError(
      'bad-sink',
      `${what} takes a sink, such as one that ndjson(), consoleSink() or callback() returns.`,
    )
  }
}

/** Rows with a key. A window or an operator with state for each key follows. */
export class KeyedStream<T, K extends Key, Meta = RecordMeta | undefined> extends RowOperators<T, K, Meta> {
  private readonly builder: Builder
  private readonly id: number
  private readonly key: (value: T, meta: any) => K

  constructor(builder: Builder, id: number, key: (value: T, meta: Meta) => K) {
    super()
    this.builder = builder
    this.id = id
    this.key = key
  }

  protected override operator(
    step: KeyedNode,
    within = (key: (row: any, meta: any) => Key) => key,
  ): Stream<any, undefined> {
    return new Stream(this.builder, this.builder.add({ ...step, input: this.id, key: within(this.key) }))
  }

  /**
   * Groups the rows of each key by event time.
   * @example stream.keyBy(o => o.customerId).window(tumbling('5m'), { allowedLateness: '1m' })
   */
  window<A extends Accumulation = 'accumulating'>(
    spec: KeyedWindowSpec<T>,
    options: WindowOptions<T, K, A> = {},
  ): WindowedStream<T, K, A, Meta> {
    return new WindowedStream<T, K, A, Meta>(this.builder, this.id, this.key, spec, options)
  }

  /**
   * Folds all rows of each key, without a window: totals so far. Each slice of event time in which a key gets rows
   * gives one result, which replaces the one before. The name identifies the state of the operator: do not change it
   * later.
   * @example stream.keyBy(o => o.customerId).aggregate('spent', { total: sum(o => o.amount), orders: count() })
   */
  aggregate<M extends AggregateMap<T, Meta>>(
    name: string,
    aggregates: M,
    options: RunningOptions = {},
  ): Stream<RunningResult<K, ResultOf<M>>, undefined> {
    checkFolds(name, aggregates)
    const step = runningStep(name, Object.freeze({ ...aggregates }), options)
    return new Stream(this.builder, this.builder.add({ ...step, input: this.id, key: this.key }))
  }

  /**
   * Processes the rows of each key one by one, in the order of event time, with state and timers. The name identifies
   * the state of the operator: do not change it later. Handlers are synchronous, and return the rows that follow.
   * @example
   * rides.keyBy(ride => ride.car).process('parked', { state: { since: value(0) }, ttl: '7d' }, {
   *   onRow(ctx, ride) {
   *     ctx.state.since.set(ride.end)
   *     ctx.timers.set('day', ride.end + 86_400_000)
   *   },
   *   onTimer: (ctx, timer) => [{ car: ctx.key, parkedSince: ctx.state.since.get(), at: timer.time }],
   * })
   */
  process<S extends StateMap, Out>(
    name: string,
    options: ProcessOptions<S>,
    handlers: ProcessHandlers<T, K, S, Out>,
  ): Stream<Out, undefined> {
    return this.operator(settleProcess(name, options, handlers))
  }
}

/** Rows grouped by key and window. Only an aggregate may follow. */
export class WindowedStream<T, K extends Key, A extends Accumulation, Meta = RecordMeta | undefined> {
  private readonly builder: Builder
  private readonly id: number
  private readonly key: (value: T, meta: any) => K
  private readonly spec: KeyedWindowSpec
  private readonly options: WindowOptions<T, K, A>

  constructor(
    builder: Builder,
    id: number,
    key: (value: T, meta: Meta) => K,
    spec: KeyedWindowSpec<T>,
    options: WindowOptions<T, K, A>,
  ) {
    checkWindow(spec, options)
    this.builder = builder
    this.id = id
    this.key = key
    this.spec = spec
    this.options = options ?? {}
  }

  /**
   * Folds the rows of each window with named aggregates. The name identifies the state of the operator: do not change
   * it later.
   * @example windowed.aggregate('revenue', { total: sum(o => o.amount), orders: count() })
   */
  aggregate<M extends AggregateMap<T, Meta>>(
    name: string,
    aggregates: M,
  ): Stream<WindowResult<K, ResultOf<M>>, undefined> {
    checkFolds(name, aggregates)
    const { late } = this.options
    if (late !== undefined) checkSink(`The late output of "${name}"`, late)
    const { spec, options } = this
    if (isKeyedWindow(spec, options)) {
      const step = keyedWindowStep(name, spec, options, Object.freeze({ ...aggregates }))
      return new Stream(this.builder, this.builder.add({ ...step, input: this.id, key: this.key }))
    }
    const window = spec as WindowSpec
    const id = this.builder.add({
      kind: 'aggregate',
      input: this.id,
      name,
      key: this.key,
      window,
      ...settleWindow(name, window, options),
      late,
      aggregates: Object.freeze({ ...aggregates }),
    })
    return new Stream(this.builder, id)
  }
}

refuseOthers(Builder, 'A pipeline begins with its sources: p.from(source).')
refuseOthers(Stream, "A window and an aggregate need a key: .keyBy(row => row.id).window(tumbling('1h')).aggregate(…).")
refuseOthers(
  KeyedStream,
  "keyBy() must be followed by window(), such as .window(tumbling('1h')), or by an operator with state for each key, such as aggregate(), process() or deduplicate(); other steps go before keyBy().",
)
refuseOthers(
  WindowedStream,
  'window() must be followed by aggregate(); other steps go before keyBy() or after aggregate().',
)
