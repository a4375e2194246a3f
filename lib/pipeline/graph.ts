import type { Aggregate } from '../aggregate/index.js'
import type { Duration, Key } from '../base/index.js'
import type { SinkNode, SourceNode } from '../ports/index.js'
import type { WindowSpec } from '../window/index.js'

/** When a window gives results. */
export type Emit = 'panes' | 'final'

export type Accumulation = 'accumulating' | 'discarding' | 'retracting'

/** Nodes are frozen data; `id` is the index in the graph. Everything that reads a pipeline is a visitor over them. */
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
/** Rows for which `fn` holds leave by `side` nodes, the others by all other nodes after it. */
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
  /** Panes on time and late, or one when lateness is over. */
  readonly emit: Emit
  /** How long a key that had a row gives results of empty windows, ms; 0: it gives none. */
  readonly emptyForMs: number
  readonly late: SinkNode<any> | undefined
  readonly aggregates: Readonly<Record<string, Aggregate<any, any, any, any, any>>>
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
  /** A split that is quiet for this long, and has nothing waiting, no longer holds event time back. Default '1m'. */
  readonly after?: Duration
  /**
   * Once all splits have been quiet for this long, and nothing waits, what is open is closed: event time goes on with
   * the clock to the end of the last window that holds rows, and stays there. Default '5m'. `'clock'`: event time goes
   * on with the clock for as long as all is quiet. `false`: what is open waits for records.
   */
  readonly close?: Duration | 'clock' | false
}

export interface PipelineOptions {
  /**
   * Where rejected records go, and expired rows of windows without a `late` output. Default: what the host binds as
   * `dead-letter`.
   */
  readonly deadLetter?: SinkNode<any>
  /** Hash buckets of each operator's key space, the unit of work downstream. Default 4. Results never depend on it. */
  readonly keyGroups?: number
  /**
   * Partition keys of the table that writes are spread over, 1 to 64. Default 1. DynamoDB takes about 1,000 write units
   * a second of one partition key; each batch writes one checkpoint, and about a segment for each of up to four ranges
   * of keys. Give one for each 500 batches a second. Results never depend on it; reads grow with it.
   */
  readonly writeShards?: number
  /** What happens where no records come. */
  readonly idle?: IdleOptions
  /** The watermark is published in steps of at least this much event time. Default '2s'. */
  readonly minAdvance?: Duration
}

/** A pipeline: a name, settled options and a frozen graph. Made by `pipeline`. */
export interface Pipeline {
  readonly kind: 'pipeline'
  readonly name: string
  readonly keyGroups: number
  readonly writeShards: number
  readonly idleAfterMs: number
  /** After how long what is open is closed, ms; or by the clock, or not. */
  readonly idleClose: number | 'clock' | false
  readonly minAdvanceMs: number
  readonly deadLetter: SinkNode<any>
  readonly nodes: readonly GraphNode[]
}

/** A kind of node by the name that a user writes. */
export function stepName({ kind }: GraphNode): string {
  return kind === 'flat-map' ? 'flatMap' : kind === 'divert' ? 'sideOutput' : kind
}

/** The nodes that a node reads from. */
export function inputsOf(node: GraphNode): readonly number[] {
  if (node.kind === 'source') return []
  return node.kind === 'merge' ? node.inputs : [node.input]
}
