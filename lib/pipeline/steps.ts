import { type GraphNode, inputsOf } from './graph.js'
import type { Plan } from './stages.js'

/** The row counts of a split, or of a key group whose results go only to sinks. */
export interface StepCounts {
  readonly in: number
  readonly rejected: number
  /** Tombstones: records with a null value, which no step receives. */
  readonly empty: number
  /** One for each counted step, see `countedSteps`. */
  readonly steps: readonly number[]
}

/** The rows that entered a step, and those that left it. */
export interface StepRows {
  readonly in: number
  readonly out: number
}

/**
 * The nodes after an input, up to the operators and sinks that its rows reach, in the order of their ids: each node
 * follows the nodes that it reads.
 */
export function stepsAfter(plan: Plan, input: number): readonly GraphNode[] {
  const found = new Set<number>()
  const visit = (id: number): void => {
    for (const reader of plan.readers[id]!) {
      if (found.has(reader.id)) continue
      found.add(reader.id)
      if (reader.kind !== 'aggregate') visit(reader.id)
    }
  }
  visit(input)
  return [...found].sort((a, b) => a - b).map((id) => plan.pipeline.nodes[id]!)
}

/**
 * The steps after an input that have a counter, because they may pass on more or fewer rows than they receive. A filter
 * counts the rows that it drops, `flatMap` those that it makes, and `sideOutput` those that it diverts.
 */
export function countedSteps(plan: Plan, input: number): readonly number[] {
  return stepsAfter(plan, input)
    .filter(({ kind }) => kind === 'filter' || kind === 'flat-map' || kind === 'divert')
    .map(({ id }) => id)
}

/** The row counts of every node after an input, computed from the counters. */
export function rowsOfSteps(plan: Plan, input: number, counts: StepCounts): ReadonlyMap<number, StepRows> {
  const counted = new Map(countedSteps(plan, input).map((id, i) => [id, counts.steps[i] ?? 0]))
  const rows = new Map<number, { in: number; out: number }>()
  const taken = counts.in - counts.rejected - counts.empty
  rows.set(input, { in: counts.in, out: taken })
  for (const node of stepsAfter(plan, input)) {
    let reached = 0
    for (const from of inputsOf(node)) {
      const before = rows.get(from)
      if (before !== undefined) reached += node.kind === 'side' ? counted.get(from)! : before.out
    }
    rows.set(node.id, { in: reached, out: rowsOut(node, reached, counted.get(node.id) ?? 0) })
  }
  return rows
}

function rowsOut({ kind }: GraphNode, reached: number, counted: number): number {
  if (kind === 'flat-map') return counted
  return kind === 'filter' || kind === 'divert' ? reached - counted : reached
}
