import { MEMORY_GB, PRICES } from '../cost/prices.js'
import { flowText, rejectedText } from './flow-text.js'
import type { RunSummary } from './run.js'
import { bold, numberText, table, timeText } from './text.js'

const COST_EVENTS_MIN = 1_000

/**
 * Cost per million events of a run at list prices: the units of the state, and the functions by the CPU that this
 * machine used.
 */
export function costPerMillion(summary: RunSummary): { state: number; functions: number } {
  const events = Math.max(1, recordsIn(summary))
  const { usage } = summary
  const state = usage.writeUnits * PRICES.writeUnit + usage.readUnits * PRICES.readUnit
  const functions = summary.cpuSeconds * MEMORY_GB * PRICES.lambdaGbSecond + summary.invocations * PRICES.lambdaRequest
  return { state: (state / events) * 1e6, functions: (functions / events) * 1e6 }
}

/** The records of all sources that were accepted, and how many of them were rejected. */
export function takenOf(summary: Pick<RunSummary, 'status'>): { readonly taken: number; readonly rejected: number } {
  const rejected = sourceSplits(summary).reduce((sum, split) => sum + split.rejected, 0)
  return { taken: recordsIn(summary), rejected }
}

/**
 * Records that all sources have delivered, each counted once. The output of an operator to the next stage does not
 * count as input.
 */
export function recordsIn(summary: Pick<RunSummary, 'status'>): number {
  return sourceSplits(summary).reduce((sum, split) => sum + split.in, 0)
}

function sourceSplits({ status: { stages } }: Pick<RunSummary, 'status'>) {
  const operators = stages.flatMap((stage) => stage.operators.map((name) => `${name}/`))
  const splits = stages.flatMap((stage) => stage.splits)
  return splits.filter(({ split }) => !operators.some((operator) => split.startsWith(operator)))
}

/**
 * Invariant 10 as a table: per split, in = rejected + filtered + passed, and per operator, rows = counted + expired.
 */
export function conservation(summary: RunSummary): string {
  const blocks: string[] = []
  for (const stage of summary.status.stages) {
    const head = [
      'split',
      'in',
      'rejected',
      'filtered',
      'passed',
      ...stage.operators.flatMap((name) => [`${name}: counted`, 'counted late', 'expired']),
    ]
    const rows = stage.splits.map((split) => [
      split.split,
      ...[
        split.in,
        split.rejected,
        split.filtered,
        split.passed,
        ...split.operators.flatMap((o) => [o.counted, o.late, o.expired]),
      ].map(numberText),
    ])
    const sums = head.slice(1).map((_, column) => stage.splits.reduce((sum, split) => sum + numbers(split)[column]!, 0))
    blocks.push(table(head, [...rows, ['all', ...sums.map(numberText)]]))
  }
  return blocks.join('\n\n')
}

function numbers(split: RunSummary['status']['stages'][number]['splits'][number]): number[] {
  return [
    split.in,
    split.rejected,
    split.filtered,
    split.passed,
    ...split.operators.flatMap((o) => [o.counted, o.late, o.expired]),
  ]
}

/** The first split whose row in the conservation table does not add up, in words; undefined if all do. */
export function imbalance(summary: RunSummary): string | undefined {
  for (const stage of summary.status.stages) {
    for (const split of stage.splits) {
      if (split.in !== split.rejected + split.filtered + split.passed)
        return `${split.split}: in differs from rejected + filtered + passed`
    }
  }
  return undefined
}

/** The summary that a run prints at its end. */
export function summaryText(summary: RunSummary): string {
  const { usage } = summary
  const cost = costPerMillion(summary)
  const events = recordsIn(summary)
  const faults = Object.entries(summary.faults)
  const lines = [
    conservation(summary),
    '',
    flowText(summary.flow),
    '',
    ...(summary.rejected.length === 0 ? [] : [rejectedText(summary.rejected), '']),
    `${bold('results')}   ${summary.sinks.map((sink) => `${sink.name}: ${numberText(sink.rows)} rows in ${sink.file}`).join('\n          ')}`,
    `${bold('state')}     ${numberText(usage.writeUnits)} write units, ${numberText(usage.readUnits)} read units, ${numberText(usage.requests)} requests in this run`,
  ]
  // For a handful of records, or for part of a run, these figures are not meaningful.
  if (summary.complete && !summary.alreadyComplete && !summary.resumed && events >= COST_EVENTS_MIN) {
    const each = (units: number): string => (units / events).toFixed(4)
    lines.push(
      `          per event: ${each(usage.writeUnits)} write units, ${each(usage.requests)} requests, ${((summary.cpuSeconds / events) * 1e6).toFixed(1)} us CPU (including the emulated pollers)`,
    )
    lines.push(
      `          per million events: $${cost.state.toFixed(3)} for DynamoDB, $${cost.functions.toFixed(3)} for Lambda (list prices of ${PRICES.asOf}; Lambda by this machine's CPU)`,
    )
  }
  lines.push(...remarks(summary))
  if (faults.length > 0)
    lines.push(`${bold('faults')}    ${faults.map(([kind, count]) => `${kind} ${count}`).join(', ')}`)
  lines.push(ending(summary))
  return lines.join('\n')
}

/** Warnings about records that were accepted but are probably unintended. */
function remarks({ status }: RunSummary): string[] {
  const splits = status.stages.flatMap((stage) => stage.splits)
  const sum = (of: (split: (typeof splits)[number]) => number): number => splits.reduce((n, split) => n + of(split), 0)
  const [held, unlikely] = [sum((split) => split.held), sum((split) => split.unlikely)]
  const outside = sum((split) => split.operators.reduce((n, operator) => n + operator.outside, 0))
  const say = (count: number, what: string): string[] =>
    count === 0 ? [] : [`${bold('warning')}   ${numberText(count)} ${what}`]
  return [
    ...say(
      unlikely,
      'records have timestamps before minTime (2000-01-01 by default), or far behind their split. If they are seconds instead of milliseconds, multiply them by 1000.',
    ),
    ...say(
      held,
      'records have timestamps beyond maxFutureDrift: they were counted, but did not advance the watermark to their time.',
    ),
    ...say(outside, 'rows are in no window, because the slide is longer than the size of a window.'),
  ]
}

function ending(summary: RunSummary): string {
  const { complete, alreadyComplete, status } = summary
  if (!complete)
    return `Stopped before the end; watermark ${timeText(status.stages[0]?.watermark)}. Run it again to resume.`
  const { taken, rejected } = takenOf(summary)
  const but = rejected === 0 ? '' : ` ${numberText(rejected)} of ${numberText(taken)} records were rejected.`
  if (!alreadyComplete) return `All input is read and every window is closed.${but}`
  return 'An earlier run has counted all input and closed every window; these are its results. Use --fresh to start over, for example after a change of the functions.'
}
