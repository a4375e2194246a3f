import type { Aggregate } from '../aggregate/index.js'
import type { Duration, Key } from '../base/index.js'
import type { KeyedLogic } from '../keyed/index.js'
import type { SinkNode, SourceNode } from '../ports/index.js'
import type { WindowSpec } from '../window/index.js'

/** When a window emits results. */
export type Emit = 'panes' | 'final'

export type Accumulation = 'accumulating' | 'discarding' | 'retracting'

/**
 * Nodes are frozen data. `id` is the index in the graph. Everything that reads a pipeline is a visitor over its nodes.
 */
interface Node {
  readonly id: number
}
export interface SourceStep extends Node {
  readonly kind: 'source'
  readonly source: SourceNode<any>
}
export interface MergeStep extends Node {
  readonly kind: 'merge'
  readonly inputs: readonly number[]
}
export interface MapStep extends Node {
  readonly kind: 'map'
  readonly input: number
  readonly fn: (value: any, meta: any) => unknown
}
export interface FilterStep extends Node {
  readonly kind: 'filter'
  readonly input: number
  readonly fn: (value: any, meta: any) => unknown
}
export interface FlatMapStep extends Node {
  readonly kind: 'flat-map'
  readonly input: number
  readonly fn: (value: any, meta: any) => Iterable<unknown>
}
/** Rows for which `fn` returns true go to the `side` nodes after it. Other rows go to all other nodes after it. */
export interface DivertStep extends Node {
  readonly kind: 'divert'
  readonly input: number
  readonly fn: (value: any, meta: any) => unknown
}
export interface SideStep extends Node {
  readonly kind: 'side'
  readonly input: number
}
export interface OperatorStep extends Node {
  readonly kind: 'aggregate'
  readonly input: number
  readonly name: string
  readonly key: (value: any, meta: any) => Key
  readonly window: WindowSpec
  readonly offsetMs: number
  readonly allowedLatenessMs: number
  readonly accumulation: Accumulation
  /** On-time and late panes, or one pane when the allowed lateness is over. */
  readonly emit: Emit
  /** How long after its last row a key gives results of empty windows, ms. 0: it gives none. */
  readonly emptyForMs: number
  readonly late: SinkNode<any> | undefined
  /** An operator with state for each key has one fold, which collects what its logic reads. */
  readonly aggregates: Readonly<Record<string, Aggregate<any, any, any, any, any>>>
  /** An operator with state for each key. Its window is a slice; a size of 0 means that the plan chooses it. */
  readonly logic?: KeyedLogic
}
export interface SinkStep extends Node {
  readonly kind: 'sink'
  readonly input: number
  readonly sink: SinkNode<any>
}

export type GraphNode =
  | SourceStep
  | MergeStep
  | MapStep
  | FilterStep
  | FlatMapStep
  | DivertStep
  | SideStep
  | OperatorStep
  | SinkStep

export interface IdleOptions {
  /**
   * A split that is idle for this long, and has nothing left to read, no longer holds event time back. Default '1m'.
   */
  readonly after?: Duration
  /**
   * When all splits have been idle for this long, and nothing is left to read, open windows are closed. Event time then
   * follows the clock to the end of the last window that holds rows, and stops there. Default '5m'. `'clock'`: event
   * time follows the clock for as long as all splits are idle. `false`: open windows wait for records.
   */
  readonly close?: Duration | 'clock' | false
}

export interface PipelineOptions {
  /**
   * Where rejected records go, and expired rows of windows without a `late` output. Default: the sink that the host
   * binds as `dead-letter`.
   */
  readonly deadLetter?: SinkNode<any>
  /** Hash ranges of each operator's keys, the unit of parallelism downstream. Default 4. Results never depend on it. */
  readonly keyGroups?: number
  /**
   * Partition keys of the table that writes are spread over, 1 to 64. Default 1. DynamoDB accepts about 1,000 write
   * units a second for one partition key. Each batch writes one checkpoint, and about one segment for each of up to
   * four ranges of keys. Use one partition key for each 500 batches a second. Results never depend on it; the number of
   * reads grows with it.
   */
  readonly writeShards?: number
  /** What happens when no records arrive. */
  readonly idle?: IdleOptions
  /** The watermark is published in steps of at least this much event time. Default '2s'. */
  readonly minAdvance?: Duration
}

/** A pipeline: a name, resolved options and a frozen graph. Created by `pipeline`. */
export interface Pipeline {
  readonly kind: 'pipeline'
  readonly name: string
  readonly keyGroups: number
  readonly writeShards: number
  readonly idleAfterMs: number
  /** After how long without records open windows are closed, ms; or by the clock, or never. */
  readonly idleClose: number | 'clock' | false
  readonly minAdvanceMs: number
  readonly deadLetter: SinkNode<any>
  readonly nodes: readonly GraphNode[]
}

/** The name of the DSL method that makes a node of this kind. */
export function stepName({ kind }: GraphNode): string {
  return kind === 'flat-map' ? 'flatMap' : kind === 'divert' ? 'sideOutput' : kind
}

/** The nodes that a node reads from. */
export function inputsOf(node: GraphNode): readonly number[] {
  if (node.kind === 'source') return []
  return node.kind === 'merge' ? node.inputs : [node.input]
}
