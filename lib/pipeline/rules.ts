import { ConfigError, formatDuration, SLICE_MS_MIN } from '../base/index.js'
import { type GraphNode, stepName } from './graph.js'
import { type InputPlan, type OperatorPlan, type Plan, resultsOf } from './stages.js'

/** Checks that a pipeline is valid. Each error states the rule, the value and the fix. */
export function check(plan: Plan): void {
  const { name, nodes } = plan.pipeline
  if (plan.sources.length === 0)
    throw new ConfigError('no-source', `Pipeline "${name}" has no source: start it with p.from(source).`)
  unique(
    'Sources',
    plan.sources.map((source) => source.name),
    'Rename one. If both are the same source, create it once and pass it to each p.from().',
  )
  unique(
    'Stateful steps',
    plan.operators.map((operator) => operator.name),
  )
  unique(
    'Sinks',
    plan.sinks.map((sink) => sink.name),
    'Rename one. If both are the same sink, create it once, const out = …, and pass out to each to().',
  )
  for (const input of plan.sources) {
    if (plan.operators.some((operator) => operator.name === input.name)) {
      throw new ConfigError(
        'name-taken',
        `Sources and stateful steps must have different names; "${input.name}" is both. Rename one.`,
      )
    }
  }
  for (const node of nodes) if (!isRead(node, plan)) throw unread(node)
  for (const operator of plan.operators) {
    if (operator.slices.widthMs < SLICE_MS_MIN) {
      throw new ConfigError(
        'bad-window',
        `The slices of "${operator.name}" would be ${formatDuration(operator.slices.widthMs)} wide; the minimum is ${formatDuration(SLICE_MS_MIN)}. Use a rounder size or step.`,
      )
    }
  }
  checkShared(plan)
  checkCycles(plan)
  for (const stage of plan.stages)
    for (const input of stage.inputs) if (input.kind === 'operator') checkChained(plan, input.operator.name)
}

function unique(what: string, names: readonly string[], fix = 'Rename one.'): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined)
    throw new ConfigError(
      'name-taken',
      `${what} of a pipeline must have different names; "${twice}" is used twice. ${fix}`,
    )
}

/** Whether anything uses the rows of a node. If not, the pipeline has a mistake that the user should know about. */
function isRead(node: GraphNode, plan: Plan): boolean {
  const readers = plan.readers[node.id]!
  if (node.kind === 'divert') return readers.some((reader) => reader.kind !== 'side')
  return node.kind === 'sink' || readers.length > 0
}

function unread(node: GraphNode): ConfigError {
  const what =
    node.kind === 'source'
      ? `the source "${node.source.name}"`
      : node.kind === 'aggregate'
        ? `the ${node.logic?.kind ?? 'aggregate'} "${node.name}"`
        : node.kind === 'side'
          ? 'the side of a sideOutput step'
          : `a ${stepName(node)} step`
  return new ConfigError(
    'no-sink',
    `The rows of ${what} go nowhere. End the stream with .to(sink), or remove the step.`,
  )
}

/**
 * Refuses a sink with two operators whose rows it identifies by key and window only: it could not distinguish their
 * results.
 */
function checkShared(plan: Plan): void {
  for (const sink of plan.sinks.filter((candidate) => candidate.isOfOneOperator === true)) {
    const writers = writersOf(plan, sink.name)
    if (writers.length < 2) continue
    throw new ConfigError(
      'shared-sink',
      `The results of "${writers[0]!.name}" and "${writers[1]!.name}" go to one ${sink.connector} sink, "${sink.name}", where results with the same key and window would overwrite each other. Give each operator its own sink, or distinguish the results with the item option.`,
    )
  }
}

/** The operators whose results reach a sink. */
export function writersOf(plan: Plan, sink: string): readonly OperatorPlan[] {
  return plan.operators.filter((operator) => writesTo(plan, operator.node.id, sink))
}

/** Whether rows of a node reach a sink through stateless steps alone. */
function writesTo(plan: Plan, id: number, sink: string): boolean {
  return plan.readers[id]!.some((reader) =>
    reader.kind === 'sink' ? reader.sink.name === sink : reader.kind !== 'aggregate' && writesTo(plan, reader.id, sink),
  )
}

type OperatorInput = Extract<InputPlan, { kind: 'operator' }>

/**
 * Refuses cycles between stages. The watermark of a stage waits for all of its inputs. An input that waits for results
 * of the same stage, directly or through other stages, would never advance, and no window would ever close.
 */
function checkCycles(plan: Plan): void {
  const inputs = plan.stages.flatMap((stage) => stage.inputs).filter((input) => input.kind === 'operator')
  for (const { operator, stage } of inputs) {
    if (!feeds(inputs, stage, operator.stage, new Set())) continue
    throw new ConfigError(
      'stage-cycle',
      `The results of "${operator.name}" are merged with rows that wait for the same watermark as "${operator.name}" itself, so neither could make progress. Put a stateful step before the merge for those rows too, or read their source under a second name.`,
    )
  }
}

/** Whether results of the stage `from` reach the stage `to`. */
function feeds(inputs: readonly OperatorInput[], from: number, to: number, seen: Set<number>): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return inputs.some((input) => input.operator.stage === from && feeds(inputs, input.stage, to, seen))
}

/**
 * Checks an operator that feeds another one. A late pane enters the next fold as a retraction of the old value and the
 * new value, so the fold must be invertible. Accumulating panes would count rows twice.
 */
function checkChained(plan: Plan, name: string): void {
  const upstream = plan.operators.find((operator) => operator.name === name)!
  if (upstream.takesBack && upstream.node.emptyForMs > 0) {
    throw new ConfigError(
      'empty-takes-back',
      `"${name}" sets empty and reads a retracting operator. A window whose rows have all been taken back is deleted, so it cannot also give an empty result. Leave empty out, or give the operator before it emit: 'final'.`,
    )
  }
  const results = resultsOf(upstream.node)
  if (results === 'once') return
  const chained = downstream(plan, upstream.node.id)
  for (const operator of chained) {
    if (results === 'repeated') {
      throw new ConfigError(
        'chained-accumulating',
        `"${operator.name}" reads the results of "${name}", whose early or late panes would count rows again. Give "${name}" accumulation: 'retracting' or 'discarding', emit: 'final', or neither early results nor allowedLateness.`,
      )
    }
    const stuck = operator.folds.findIndex((fold) => !fold.invertible)
    if (stuck >= 0 && operator.logic !== undefined) {
      throw new ConfigError(
        'chained-no-inverse',
        `"${operator.name}" (${operator.logic.kind}) reads the retracting "${name}", but it cannot take rows back. Give "${name}" accumulation: 'discarding' or emit: 'final', or neither early results nor allowedLateness.`,
      )
    }
    if (stuck >= 0) {
      throw new ConfigError(
        'chained-no-inverse',
        `"${operator.name}" reads the retracting "${name}", but its field "${operator.fields[stuck]}" (${operator.folds[stuck]!.kind}) cannot take rows back. Use an aggregate that retracts, such as count, sum, avg or percentile, or no allowedLateness on "${name}".`,
      )
    }
  }
}

function downstream(plan: Plan, id: number) {
  const reached = new Set<number>()
  const visit = (from: number): void => {
    for (const reader of plan.readers[from]!) {
      if (reached.has(reader.id)) continue
      reached.add(reader.id)
      if (reader.kind !== 'aggregate') visit(reader.id)
    }
  }
  visit(id)
  return plan.operators.filter((operator) => reached.has(operator.node.id))
}
