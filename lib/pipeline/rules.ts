import { ConfigError, formatDuration, SLICE_MS_MIN } from '../base/index.js'
import { type GraphNode, stepName } from './graph.js'
import type { InputPlan, OperatorPlan, Plan } from './stages.js'

/** What makes a pipeline legal. Each refusal names the rule, the value and the fix. */
export function check(plan: Plan): void {
  const { name, nodes } = plan.pipeline
  if (plan.sources.length === 0)
    throw new ConfigError('no-source', `Pipeline "${name}" reads nothing: start it with p.from(source).`)
  unique(
    'Sources',
    plan.sources.map((source) => source.name),
    'Rename one; where both are to be one, make it once, and give it to each p.from().',
  )
  unique(
    'Stateful steps',
    plan.operators.map((operator) => operator.name),
  )
  unique(
    'Sinks',
    plan.sinks.map((sink) => sink.name),
    'Rename one; where both are to be one, make it once, const out = …, and give out to each.',
  )
  for (const input of plan.sources) {
    if (plan.operators.some((operator) => operator.name === input.name)) {
      throw new ConfigError(
        'name-taken',
        `Sources and stateful steps share one space of names; "${input.name}" is both. Rename one.`,
      )
    }
  }
  for (const node of nodes) if (!isRead(node, plan)) throw unread(node)
  for (const operator of plan.operators) {
    if (operator.slices.widthMs < SLICE_MS_MIN) {
      throw new ConfigError(
        'bad-window',
        `The slices of "${operator.name}" would be ${formatDuration(operator.slices.widthMs)} wide; ${formatDuration(SLICE_MS_MIN)} is the least. Use a rounder size or step.`,
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
      `${what} of a pipeline need names of their own; "${twice}" is used twice. ${fix}`,
    )
}

/** A step whose rows go nowhere is a mistake that a user wants to hear of. */
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
        ? `the aggregate "${node.name}"`
        : node.kind === 'side'
          ? 'the side of a sideOutput step'
          : `a ${stepName(node)} step`
  return new ConfigError(
    'no-sink',
    `The rows of ${what} go nowhere. End the stream with .to(sink), or remove the step.`,
  )
}

/** A sink whose rows are known by key and window cannot tell two operators apart. */
function checkShared(plan: Plan): void {
  for (const sink of plan.sinks.filter((candidate) => candidate.isOfOneOperator === true)) {
    const writers = writersOf(plan, sink.name)
    if (writers.length < 2) continue
    throw new ConfigError(
      'shared-sink',
      `The results of "${writers[0]!.name}" and "${writers[1]!.name}" go to one ${sink.connector} sink, "${sink.name}", where results of one key and window would take each other's place. Give each a sink of its own, or say by item which is which.`,
    )
  }
}

/** The operators whose results come to a sink. */
export function writersOf(plan: Plan, sink: string): readonly OperatorPlan[] {
  return plan.operators.filter((operator) => writesTo(plan, operator.node.id, sink))
}

/** Whether rows of a node come to a sink by steps alone. */
function writesTo(plan: Plan, id: number, sink: string): boolean {
  return plan.readers[id]!.some((reader) =>
    reader.kind === 'sink' ? reader.sink.name === sink : reader.kind !== 'aggregate' && writesTo(plan, reader.id, sink),
  )
}

type OperatorInput = Extract<InputPlan, { kind: 'operator' }>

/**
 * A stage's watermark waits for all of its inputs. An input that waits for results of that very stage, straight or by
 * way of other stages, would never move, and nothing would ever close.
 */
function checkCycles(plan: Plan): void {
  const inputs = plan.stages.flatMap((stage) => stage.inputs).filter((input) => input.kind === 'operator')
  for (const { operator, stage } of inputs) {
    if (!feeds(inputs, stage, operator.stage, new Set())) continue
    throw new ConfigError(
      'stage-cycle',
      `The results of "${operator.name}" meet rows that wait for the same watermark as "${operator.name}" itself, so that neither could go on. Give those rows a stateful step of their own first, or read their source under a second name.`,
    )
  }
}

/** Whether results of the stage `from` come to the stage `to`. */
function feeds(inputs: readonly OperatorInput[], from: number, to: number, seen: Set<number>): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return inputs.some((input) => input.operator.stage === from && feeds(inputs, input.stage, to, seen))
}

/**
 * Design, section 5, "Chained": a late pane that enters a fold goes as -old +new, so its folds need an inverse;
 * accumulating panes would count rows twice.
 */
function checkChained(plan: Plan, name: string): void {
  const upstream = plan.operators.find((operator) => operator.name === name)!
  if (upstream.takesBack && upstream.node.emptyForMs > 0) {
    throw new ConfigError(
      'empty-takes-back',
      `"${name}" has empty, and reads a retracting operator: a window of which all rows were taken back is deleted, and cannot be an empty result as well. Leave empty out, or give the operator before it emit: 'final'.`,
    )
  }
  if (upstream.node.allowedLatenessMs === 0 || upstream.node.emit === 'final') return
  const chained = downstream(plan, upstream.node.id)
  for (const operator of chained) {
    if (upstream.node.accumulation === 'accumulating') {
      throw new ConfigError(
        'chained-accumulating',
        `"${operator.name}" reads the results of "${name}", whose late panes would count rows again. Give "${name}" accumulation: 'retracting' or 'discarding', emit: 'final', or no allowedLateness.`,
      )
    }
    const stuck =
      upstream.node.accumulation === 'retracting' ? operator.folds.findIndex((fold) => !fold.invertible) : -1
    if (stuck >= 0) {
      throw new ConfigError(
        'chained-no-inverse',
        `"${operator.name}" takes back rows of the retracting "${name}"; its field "${operator.fields[stuck]}" (${operator.folds[stuck]!.kind}) cannot. Use one that can (count, sum, sumDecimal, avg, stddev, variance, covariance, correlation, regression, percentile, median, mode, every, some, bitXor), or no allowedLateness on "${name}".`,
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
