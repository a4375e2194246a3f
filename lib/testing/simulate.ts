import { checkOptions } from '../base/index.js'
import { type Pipeline, plan } from '../pipeline/index.js'
import { HARMLESS, runRegion } from './region.js'
import type { Fault } from './sim/faults.js'
import { logsOf, type SimulateInput } from './simulate-input.js'

export interface SimulateOptions {
  /**
   * The contents of each source: the values of each of its splits, in the order of the log. Values are serialized as
   * JSON; a Uint8Array and the result of `raw()` are used as payloads unchanged. A source that is omitted is empty.
   */
  readonly input: SimulateInput
  /** Determines which faults happen, and when. Default 1. The same seed gives the same run, step by step. */
  readonly seed?: number
  /**
   * Kinds of faults that may happen, of which a seed enables about a third; `[]` for none. Default: all kinds that lose
   * no record.
   */
  readonly faults?: readonly Fault[]
}

/** Rows by sink. `Rows` declares the row types of the sinks that it names; rows of other sinks are unknown. */
export type SimulatedRows<Rows extends object> = {
  readonly [Sink in keyof Rows]: readonly Rows[Sink][]
} & Readonly<Record<string, readonly unknown[]>>

/** The outcome of a simulated run. */
export interface Simulated<Rows extends object = Record<never, never>> {
  /**
   * The final rows of each sink of the pipeline, as JSON has them, in the order of their ids. A sink that received
   * nothing has an empty list.
   */
  readonly rows: SimulatedRows<Rows>
  /** Violated invariants, in words. If the list is not empty, something is wrong. */
  readonly violations: readonly string[]
  /** Injected faults, by kind. */
  readonly injected: Readonly<Partial<Record<Fault, number>>>
  readonly invocations: number
  readonly simulatedMs: number
  /** A hash of everything that happened, in order. */
  readonly hash: number
}

/**
 * Runs a pipeline's real handlers in a simulated region, in virtual time: containers that crash, freeze and wake as
 * zombies, tables that throttle and answer late, batches that are redelivered, halved, or sent by another poller, and
 * sinks that fail midway. Whatever the seed is, the rows are the same as without any fault.
 * @throws {ConfigError} if input is given for a source that the pipeline does not have, or has a form that no source
 * has
 * @example
 * const input = { orders: [[{ id: 1, at: 1_000 }, { id: 2, at: 61_000 }]] }
 * const calm = await simulate(pipeline, { input, faults: [] })
 * for (let seed = 1; seed <= 100; seed++) expect((await simulate(pipeline, { input, seed })).rows).toEqual(calm.rows)
 * @example
 * type Revenue = WindowResult<string, { total: number }>
 * const { rows } = await simulate<{ revenue: Revenue }>(pipeline, { input, faults: [] })
 * expect(rows.revenue.map((row) => row.value.total)).toEqual([30, 1])
 */
export async function simulate<Rows extends object = Record<never, never>>(
  pipeline: Pipeline,
  options: SimulateOptions,
): Promise<Simulated<Rows>> {
  checkOptions('simulate()', options, { input: true, seed: true, faults: true })
  const { input, seed = 1 } = options
  const { sources, sinks } = plan(pipeline)
  const logs = logsOf(pipeline.name, sources, input)
  const run = await runRegion(pipeline, { seed, kinds: options.faults ?? HARMLESS, logs })
  const { rows, violations, invocations, simulatedMs, hash } = run.outcome
  return {
    // JSON has no types: the row types are the caller's claim, as they are for a sink's own.
    rows: Object.fromEntries(
      sinks.map(({ name }) => [name, inOrder(rows.get(name))]),
    ) as unknown as SimulatedRows<Rows>,
    violations,
    injected: Object.fromEntries(run.injected),
    invocations,
    simulatedMs,
    hash,
  }
}

function inOrder(byId: ReadonlyMap<string, string> = new Map()): unknown[] {
  return [...byId].sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, text]) => JSON.parse(text))
}
