import { GROUPS_AT_ONCE, StopError, TIME_MIN, together } from '../base/index.js'
import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import { type AdvanceOutcome, advance } from './advance.js'
import { laneOf } from './fold.js'
import type { Deadline, Host } from './host.js'
import { advanceWatermark } from './watermark.js'

/** Logged when the state of a key group is damaged or lost. */
export const STOPPED_KEY_GROUP = 'a key group has stopped: its state is damaged or lost'

/**
 * Moves a stage's watermark, advances its operators up to it, and then the stages after them, while time remains.
 * Returns the errors that have stopped key groups; the other key groups have continued.
 */
export async function advanceStage(host: Host, stage: StagePlan, deadline: Deadline): Promise<readonly StopError[]> {
  const published = await advanceWatermark(host, stage)
  if (published === TIME_MIN) return []
  const stops: StopError[] = []
  for (const operator of stage.operators) stops.push(...(await advanceOperator(host, operator, deadline)))
  for (const next of host.plan.stages) {
    if (next.inputs.some((input) => input.kind === 'operator' && input.operator.stage === stage.index))
      stops.push(...(await advanceStage(host, next, deadline)))
  }
  return stops
}

/** Lanes run in parallel. The key groups of one lane run one after another, because they share what is read from it. */
async function advanceOperator(host: Host, operator: OperatorPlan, deadline: Deadline): Promise<readonly StopError[]> {
  const byLane: number[][] = Array.from({ length: operator.lanes }, () => [])
  for (let keyGroup = 0; keyGroup < operator.keyGroups; keyGroup++) byLane[laneOf(keyGroup, operator)]!.push(keyGroup)
  const stops: StopError[] = []
  const failures: unknown[] = []
  const work = async (keyGroup: number): Promise<void> => {
    try {
      const outcome = await advanceOrPass(host, operator, keyGroup, deadline)
      if (outcome instanceof StopError) stops.push(outcome)
    } catch (error) {
      failures.push(error)
    }
  }
  for (let at = 0; at < byLane.length; at += GROUPS_AT_ONCE)
    await together(
      byLane.slice(at, at + GROUPS_AT_ONCE).map(async (keyGroups) => {
        for (const keyGroup of keyGroups) await work(keyGroup)
      }),
    )
  if (failures.length > 0) throw failures[0]
  return stops
}

/** Advances inline while the deadline allows it, otherwise through the queue, and without a queue at the next tick. */
export async function advanceOrPass(
  host: Host,
  operator: OperatorPlan,
  keyGroup: number,
  deadline: Deadline,
): Promise<AdvanceOutcome | StopError> {
  try {
    const outcome = await advance(host, operator, keyGroup, deadline)
    if (outcome === 'deadline') await host.services.queue?.advance({ operator: operator.name, keyGroup })
    return outcome
  } catch (error) {
    // Damaged or lost state of one key group stops only that key group, loudly. All others continue, and so does
    // ingest.
    // guard: stop-is-for-one
    if (!(error instanceof StopError)) throw error
    host.services.metrics.add('StoppedKeyGroups', 1, 'Count')
    host.services.logger.error(STOPPED_KEY_GROUP, {
      operator: operator.name,
      keyGroup,
      code: error.code,
      error: error.message,
    })
    return error
  }
}
