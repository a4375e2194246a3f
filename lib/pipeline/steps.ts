import { type GraphNode, inputsOf } from './graph.js'
import type { Plan } from './stages.js'

/** What a split, or a key group whose results go to sinks alone, has counted of its rows. */
export interface StepCounts {
  readonly in: number
  readonly rejected: number
  /** Records without a value, which no step sees. */
  readonly empty: number
  /** By counted step, see `countedSteps`. */
  readonly steps: readonly number[]
}

/** The rows that went into a step, and out of it. */
export interface StepRows {
  readonly in: number
  readonly out: number
}

/**
 * The nodes after an input, up to the operators and sinks that its rows reach, by their ids: readers stand after what
 * they read.
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
 * The steps after an input that have a counter: those that may pass on more or fewer rows than they take. A filter
 * counts the rows that it drops, `flatMap` those that it makes, `sideOutput` those that it diverts.
 */
export function countedSteps(plan: Plan, input: number): readonly number[] {
  return stepsAfter(plan, input)
    .filter(({ kind }) => kind === 'filter' || kind === 'flat-map' || kind === 'divert')
    .map(({ id }) => id)
}

/** The rows of every node after an input, from what was counted. */
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
