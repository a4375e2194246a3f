import { formatDuration } from '../base/index.js'
import type { Pipeline } from '../pipeline/index.js'
import {
  type GraphNode,
  type OperatorPlan,
  type Plan,
  plan,
  rowsOfSteps,
  type StepCounts,
  stepLabel,
} from '../pipeline/index.js'
import type { StateStore } from '../ports/index.js'
import { resultCounters } from '../runtime/group-cursor.js'
import { groupKey, runPrefix } from '../runtime/keys.js'
import type { Status } from '../testing/status.js'
import { numberText } from './text.js'

/** A step of a pipeline, and how many rows entered and left it. */
export interface StepFlow {
  /** Its depth in the tree of steps. */
  readonly depth: number
  readonly step: string
  readonly in: number
  readonly out: number
  /** For a source: how many records were rejected. */
  readonly rejected: number
  /** What accounts for the difference, in words; empty if there is none. */
  readonly note: string
}

/**
 * What happened to all rows, step by step, computed from the stored items of a run. The branches of a step follow it,
 * each with greater depth.
 */
export async function flowOf(pipeline: Pipeline, store: StateStore, status: Status, run = 1): Promise<StepFlow[]> {
  const made = plan(pipeline)
  const counts = await countsOf(made, store, status, run)
  const rows = new Map<number, { in: number; out: number }>()
  const add = (id: number, entered: number, left: number): void => {
    const sum = rows.get(id) ?? { in: 0, out: 0 }
    rows.set(id, { in: sum.in + entered, out: sum.out + left })
  }
  for (const [input, counted] of counts) {
    for (const [id, { in: entered, out }] of rowsOfSteps(made, input, counted)) {
      // The rows that enter an operator are those of its inputs; its results are counted by the steps that read them.
      if (pipeline.nodes[id]!.kind !== 'aggregate') add(id, entered, out)
      else if (id === input) add(id, 0, entered)
      else add(id, entered, 0)
    }
  }
  const flow: StepFlow[] = []
  const seen = new Set<number>()
  const visit = (node: GraphNode, depth: number): void => {
    if (seen.has(node.id)) return
    seen.add(node.id)
    const { in: entered, out } = rows.get(node.id) ?? { in: 0, out: 0 }
    const rejected = node.kind === 'source' ? counts.get(node.id)!.rejected : 0
    flow.push({
      depth,
      step: label(node),
      in: entered,
      out,
      rejected,
      note: note(node, made, status, counts, entered - out),
    })
    for (const reader of made.readers[node.id]!) visit(reader, depth + 1)
  }
  for (const node of pipeline.nodes) if (node.kind === 'source') visit(node, 0)
  return flow
}

/** The counts after each source and each operator, by its node. */
async function countsOf(made: Plan, store: StateStore, status: Status, run: number): Promise<Map<number, StepCounts>> {
  const counts = new Map<number, StepCounts>()
  for (const { index, inputs } of made.stages) {
    for (const { name, node } of inputs)
      counts.set(node, tally(status.stages[index]!.splits.filter(({ split }) => split.startsWith(`${name}/`))))
  }
  const prefix = runPrefix(made.pipeline.name, run)
  for (const operator of made.operators)
    if (!counts.has(operator.node.id)) counts.set(operator.node.id, await results(operator, store, prefix))
  return counts
}

function tally(splits: readonly StepCounts[]): StepCounts {
  const sum = { in: 0, rejected: 0, empty: 0, steps: [] as number[] }
  for (const split of splits) {
    sum.in += split.in
    sum.rejected += split.rejected
    sum.empty += split.empty
    for (const [i, rows] of split.steps.entries()) sum.steps[i] = (sum.steps[i] ?? 0) + rows
  }
  return sum
}

/** The counts of an operator whose results go only to sinks; its key groups have stored them. */
async function results(operator: OperatorPlan, store: StateStore, prefix: string): Promise<StepCounts> {
  const keys = Array.from({ length: operator.keyGroups }, (_, keyGroup) => groupKey(prefix, operator.name, keyGroup))
  const counted = (await store.get(keys)).filter((item) => item !== undefined).map(resultCounters)
  return tally(counted)
}

function label(node: GraphNode): string {
  if (node.kind === 'source') return node.source.name
  if (node.kind === 'sink') return `-> ${node.sink.name}`
  if (node.kind === 'side') return 'side output'
  if (node.kind === 'aggregate' && node.logic !== undefined) return `${node.name} (${node.logic.kind})`
  return node.kind === 'aggregate'
    ? `${node.name} (${formatDuration(node.window.sizeMs)} ${node.window.kind})`
    : stepLabel(node)
}

function note(
  node: GraphNode,
  made: Plan,
  status: Status,
  counts: ReadonlyMap<number, StepCounts>,
  difference: number,
): string {
  const said = (parts: readonly [count: number, what: string][]): string =>
    parts
      .filter(([count]) => count !== 0)
      .map(([count, what]) => `${numberText(count)} ${what}`)
      .join(', ')
  switch (node.kind) {
    case 'source': {
      const { rejected, empty } = counts.get(node.id)!
      return said([
        [rejected, 'rejected'],
        [empty, 'without a value'],
      ])
    }
    case 'filter':
      return said([[difference, 'dropped']])
    case 'divert':
      return said([[difference, 'to the side output']])
    case 'aggregate': {
      const operator = made.operators.find((candidate) => candidate.node === node)!
      const splits = status.stages[operator.stage]!.splits.map((split) => split.operators[operator.index]!)
      const sum = (of: (rows: (typeof splits)[number]) => number): number =>
        splits.reduce((total, rows) => total + of(rows), 0)
      const { sizeMs, stepMs } = node.window
      const windows = node.logic === undefined ? Math.ceil(sizeMs / stepMs) : 1
      const each = windows > 1 ? ` (each row in up to ${numberText(windows)} windows)` : ''
      const others = said([
        [sum((rows) => rows.late), 'of them late'],
        [sum((rows) => rows.expired), 'expired'],
        [sum((rows) => rows.outside), 'in no window'],
        [counts.get(node.id)!.rejected, 'results rejected'],
      ])
      return `${numberText(sum((rows) => rows.counted))} counted${each}${others === '' ? '' : `, ${others}`}`
    }
    default:
      return ''
  }
}
