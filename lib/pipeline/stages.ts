import { type Aggregate, count } from '../aggregate/index.js'
import { type Key, LANES_MAX } from '../base/index.js'
import type { KeyedLogic } from '../keyed/index.js'
import type { SinkNode, SourceNode } from '../ports/index.js'
import { roundDownMs, Slices, type WindowSpec } from '../window/index.js'
import { type GraphNode, inputsOf, type OperatorStep, type Pipeline } from './graph.js'

/** A stateful step, with its place in the stages and its window geometry. */
export interface OperatorPlan {
  readonly node: OperatorStep
  readonly name: string
  readonly stage: number
  /** Its index among the operators of its stage. */
  readonly index: number
  readonly keyGroups: number
  /**
   * Partitions of the table that hold its segments. Each holds those of some consecutive key groups, so the number of
   * segments that a batch writes does not depend on the number of key groups.
   */
  readonly lanes: number
  /** Partition keys that a lane's segments are spread over, by the split that writes them. */
  readonly shards: number
  readonly slices: Slices
  readonly key: (value: any, meta: any) => Key
  readonly fields: readonly string[]
  /** One fold for each field. If rows may be taken back, there is one more, which counts the rows. */
  readonly folds: readonly Aggregate<any, any, any, any, any>[]
  /** An operator with state for each key. */
  readonly logic: KeyedLogic | undefined
  /** How long after its event time a result may be given, in whole slices, ms. */
  readonly lagMs: number
  /** It reads a retracting operator: all rows of a key may be taken back, and then its result is deleted. */
  readonly takesBack: boolean
  readonly late: SinkNode<any> | undefined
}

/** An input of a stage: a source, or an operator of an earlier stage. */
export type InputPlan =
  | {
      readonly kind: 'source'
      readonly name: string
      readonly node: number
      readonly stage: number
      readonly source: SourceNode<any>
    }
  | {
      readonly kind: 'operator'
      readonly name: string
      readonly node: number
      readonly stage: number
      readonly operator: OperatorPlan
    }

/** A connected set of inputs and the operators that they feed. Each stage has one watermark. */
export interface StagePlan {
  readonly index: number
  readonly inputs: readonly InputPlan[]
  readonly operators: readonly OperatorPlan[]
  /** Partition keys that its splits are spread over. */
  readonly shards: number
}

export interface Plan {
  readonly pipeline: Pipeline
  readonly stages: readonly StagePlan[]
  readonly operators: readonly OperatorPlan[]
  readonly sources: readonly SourceNode<any>[]
  /** Every sink, once: outputs, late outputs, and the dead letter last. */
  readonly sinks: readonly SinkNode<any>[]
  /** The nodes that read a node, by the id of the node that is read. */
  readonly readers: readonly (readonly GraphNode[])[]
}

/** Divides a graph into stages: which operators share a watermark, and which stage feeds which. Checks nothing. */
export function cutStages(pipeline: Pipeline): Plan {
  const { nodes } = pipeline
  const readers: GraphNode[][] = nodes.map(() => [])
  for (const node of nodes) for (const input of inputsOf(node)) readers[input]!.push(node)
  const feeds = nodes.map((node) =>
    node.kind === 'source' || node.kind === 'aggregate' ? operatorsAfter(node, readers) : [],
  )
  const stageOf = stages(nodes, feeds)
  const geometry = new Geometry(nodes, stageOf)
  const takesBack = new Set(nodes.filter(retracts).flatMap((node) => feeds[node.id]!))
  const inStage = new Map<number, number>()
  const operators = nodes
    .filter((node) => node.kind === 'aggregate')
    .map((node) => {
      const stage = stageOf.operator.get(node.id)!
      const index = inStage.get(stage) ?? 0
      inStage.set(stage, index + 1)
      return operatorPlan(node, stage, index, pipeline, geometry.of(node), takesBack.has(node))
    })
  const operatorOf = new Map(operators.map((operator) => [operator.node.id, operator]))
  const inputs: InputPlan[] = []
  for (const node of nodes) {
    const stage = stageOf.input.get(node.id)
    if (stage === undefined) continue
    if (node.kind === 'source')
      inputs.push({ kind: 'source', name: node.source.name, node: node.id, stage, source: node.source })
    if (node.kind === 'aggregate')
      inputs.push({ kind: 'operator', name: node.name, node: node.id, stage, operator: operatorOf.get(node.id)! })
  }
  const list = Array.from({ length: stageOf.count }, (_, index) => ({
    index,
    inputs: inputs.filter((input) => input.stage === index),
    operators: operators.filter((operator) => operator.stage === index),
    shards: pipeline.writeShards,
  }))
  return Object.freeze({
    pipeline,
    stages: list,
    operators,
    sources: nodes.filter((node) => node.kind === 'source').map((node) => node.source),
    sinks: sinksOf(pipeline),
    readers,
  })
}

/** Whether an operator takes results back: a retracting operator does so with late panes. */
function retracts(node: GraphNode): boolean {
  return node.kind === 'aggregate' && resultsOf(node) === 'retracted'
}

/** Whether later results of an operator replace earlier ones, and how. */
export function resultsOf({ logic, allowedLatenessMs, emit, accumulation }: OperatorStep): KeyedLogic['results'] {
  if (logic !== undefined) return logic.results
  if (allowedLatenessMs === 0 || emit === 'final' || accumulation === 'discarding') return 'once'
  return accumulation === 'retracting' ? 'retracted' : 'repeated'
}

/** The operators that the rows of a node reach without passing through another operator. */
function operatorsAfter(start: GraphNode, readers: readonly GraphNode[][]): OperatorStep[] {
  const found = new Set<OperatorStep>()
  const seen = new Set<number>()
  const visit = (id: number): void => {
    for (const reader of readers[id]!) {
      if (seen.has(reader.id)) continue
      seen.add(reader.id)
      if (reader.kind === 'aggregate') found.add(reader)
      else visit(reader.id)
    }
  }
  visit(start.id)
  return [...found]
}

/**
 * Connected inputs and operators share a stage. Stages are numbered in the order in which their inputs appear in the
 * graph.
 */
function stages(nodes: readonly GraphNode[], feeds: readonly OperatorStep[][]) {
  const root = new Map<string, string>()
  const find = (name: string): string => {
    const up = root.get(name)
    return up === undefined || up === name ? name : find(up)
  }
  const isInput = (node: GraphNode): boolean =>
    node.kind === 'source' || (node.kind === 'aggregate' && feeds[node.id]!.length > 0)
  for (const node of nodes)
    for (const operator of feeds[node.id]!) root.set(find(`o${operator.id}`), find(`i${node.id}`))
  const numbers = new Map<string, number>()
  const number = (name: string): number => {
    const top = find(name)
    if (!numbers.has(top)) numbers.set(top, numbers.size)
    return numbers.get(top)!
  }
  const input = new Map<number, number>()
  const operator = new Map<number, number>()
  for (const node of nodes) if (isInput(node)) input.set(node.id, number(`i${node.id}`))
  for (const node of nodes) if (node.kind === 'aggregate') operator.set(node.id, number(`o${node.id}`))
  return { input, operator, count: numbers.size }
}

/** The parts of the largest bound of its inputs that an operator with state for each key has as slices. */
const SLICES_OF_BOUND = 8
const KEYED_SLICE_MS_MIN = 1_000

/** The slices of the operators of a graph, each computed once. */
class Geometry {
  private readonly nodes: readonly GraphNode[]
  private readonly stageOf: ReturnType<typeof stages>
  private readonly known = new Map<number, Slices>()

  constructor(nodes: readonly GraphNode[], stageOf: ReturnType<typeof stages>) {
    this.nodes = nodes
    this.stageOf = stageOf
  }

  /** Without a size of its own, a keyed operator has the slices that its inputs suggest. */
  of(node: OperatorStep): Slices {
    const known = this.known.get(node.id)
    if (known !== undefined) return known
    const { offsetMs, allowedLatenessMs, emit, emptyForMs } = node
    const made = (spec: WindowSpec, openMs: number): Slices =>
      new Slices(spec, offsetMs, allowedLatenessMs, openMs, emit === 'final', emptyForMs)
    const isSized = node.window.sizeMs > 0
    // A graph with a cycle is refused later; until then, an operator that reads itself must not be looked up again.
    this.known.set(node.id, made(isSized ? node.window : { kind: 'tumbling', sizeMs: 1, stepMs: 1 }, 0))
    const { boundMs, widthMs } = this.inputs(this.stageOf.operator.get(node.id)!)
    const sizeMs = roundDownMs(Math.max(KEYED_SLICE_MS_MIN, boundMs / SLICES_OF_BOUND, widthMs))
    const spec = isSized ? node.window : { kind: 'tumbling' as const, sizeMs, stepMs: sizeMs }
    const slices = made(spec, Math.max(boundMs, widthMs))
    this.known.set(node.id, slices)
    return slices
  }

  /**
   * How far above its own watermark a split of a stage may have rows: the bound of a source, or one slice of an
   * upstream operator.
   */
  private inputs(stage: number): { boundMs: number; widthMs: number } {
    let boundMs = 0
    let widthMs = 0
    for (const node of this.nodes) {
      if (this.stageOf.input.get(node.id) !== stage) continue
      if (node.kind === 'source') boundMs = Math.max(boundMs, node.source.watermark.boundMs)
      else if (node.kind === 'aggregate') widthMs = Math.max(widthMs, this.of(node).widthMs)
    }
    return { boundMs, widthMs }
  }
}

function operatorPlan(
  node: OperatorStep,
  stage: number,
  index: number,
  pipeline: Pipeline,
  slices: Slices,
  takesBack: boolean,
): OperatorPlan {
  const folds = Object.values(node.aggregates)
  return {
    node,
    name: node.name,
    stage,
    index,
    keyGroups: pipeline.keyGroups,
    lanes: Math.min(pipeline.keyGroups, LANES_MAX),
    shards: pipeline.writeShards,
    slices,
    key: node.key,
    fields: Object.keys(node.aggregates),
    folds: takesBack && node.logic === undefined ? [...folds, count()] : folds,
    takesBack: takesBack && node.logic === undefined,
    logic: node.logic,
    lagMs:
      node.logic === undefined ? slices.lagMs : Math.ceil((node.logic.lagMs ?? 0) / slices.widthMs) * slices.widthMs,
    late: node.late,
  }
}

function sinksOf(pipeline: Pipeline): SinkNode<any>[] {
  const sinks = new Set<SinkNode<any>>()
  for (const node of pipeline.nodes) {
    if (node.kind === 'sink') sinks.add(node.sink)
    if (node.kind === 'aggregate' && node.late) sinks.add(node.late)
  }
  sinks.delete(pipeline.deadLetter)
  return [...sinks, pipeline.deadLetter]
}
