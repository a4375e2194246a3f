import { FAULT_NAMES, FAULTS, type Fault } from '../../lib/testing/sim/faults.js'
import type { RunResult } from './run.js'

/** What many runs came to. Plain data: it travels between processes. */
export interface Totals {
  runs: number
  steps: number
  calls: number
  invocations: number
  simulatedMs: number
  recordsIn: number
  rowsOut: number
  lost: number
  doubled: number
  injections: Partial<Record<Fault, number>>
  failures: { seed: number; faults: readonly string[] }[]
}

export function noTotals(): Totals {
  return {
    runs: 0,
    steps: 0,
    calls: 0,
    invocations: 0,
    simulatedMs: 0,
    recordsIn: 0,
    rowsOut: 0,
    lost: 0,
    doubled: 0,
    injections: {},
    failures: [],
  }
}

export function addRun(totals: Totals, { seed, outcome, faults, swarm, ...run }: RunResult): void {
  totals.runs++
  totals.steps += outcome.steps
  totals.calls += outcome.calls
  totals.invocations += outcome.invocations
  totals.simulatedMs += outcome.simulatedMs
  totals.recordsIn += run.recordsIn
  totals.rowsOut += run.rowsOut
  totals.lost += run.lost
  totals.doubled += run.doubled
  for (const [kind, n] of swarm.counts) totals.injections[kind] = (totals.injections[kind] ?? 0) + n
  if (faults.length > 0) totals.failures.push({ seed, faults })
}

export function addTotals(into: Totals, more: Totals): void {
  for (const name of [
    'runs',
    'steps',
    'calls',
    'invocations',
    'simulatedMs',
    'recordsIn',
    'rowsOut',
    'lost',
    'doubled',
  ] as const)
    into[name] += more[name]
  for (const [kind, n] of Object.entries(more.injections) as [Fault, number][])
    into.injections[kind] = (into.injections[kind] ?? 0) + n
  into.failures.push(...more.failures)
}

const text = (n: number): string => Math.round(n).toLocaleString('en-US')

export function report(totals: Totals): string {
  const lines = [
    `runs            ${text(totals.runs)}`,
    `steps           ${text(totals.steps)} (${text(totals.steps / Math.max(1, totals.runs))} a run), ${text(totals.calls)} calls of ports, ${text(totals.invocations)} invocations`,
    `simulated       ${text(totals.simulatedMs / 3_600_000)} hours`,
    `records in      ${text(totals.recordsIn)}`,
    `rows out        ${text(totals.rowsOut)}`,
    `lost            ${totals.lost}`,
    `doubled         ${totals.doubled}`,
    '',
    'injected, counted where it happened:',
    ...FAULT_NAMES.map(
      (kind) => `  ${text(totals.injections[kind] ?? 0).padStart(10)}  ${kind.padEnd(18)} ${FAULTS[kind].what}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
