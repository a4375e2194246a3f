import { DEADLINE_RESERVE_MS, SPLITS_AT_ONCE, together } from '../base/index.js'
import type { InputPlan, OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { SplitListing } from '../ports/index.js'
import { ageMs } from './age.js'
import type { Deadline, Host } from './host.js'
import { keepState } from './keeper.js'
import { splitKey, splitName, watermarkKey } from './keys.js'
import { originName, stopFaulty } from './log-faults.js'
import { end, isBack, part, stillEmpty } from './membership.js'
import { listSplits, register, registerListed, registerSuccessors } from './registration.js'
import { mayRest } from './rest.js'
import { asRead, type SplitState } from './split-item.js'
import { advanceStage } from './stage-advance.js'

/** Logged when time was too short. The next tick continues. */
export const UNFINISHED_TICK = 'a tick ran out of time: the next one continues'

/** How long each rotation of the splits' order lasts, in ms. */
const TURN_MS = 60_000

/**
 * The work of the schedule: lists the sources' splits, ends splits or lets them leave the stage, recomputes watermarks,
 * restarts advances that were lost, and keeps state that waits long. It is safe to run at any time, any number of
 * times.
 */
export async function tick(host: Host, deadline: Deadline): Promise<void> {
  await host.ready()
  const failures: unknown[] = []
  let isWhole = true
  // A source that does not answer must not keep the others from continuing.
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    if (deadline.remainingMs() >= DEADLINE_RESERVE_MS) await work().catch((error) => failures.push(error))
    else isWhole = false
  }
  for (const stage of host.plan.stages) {
    for (const input of stage.inputs) {
      await attempt(() =>
        input.kind === 'source'
          ? settleMembers(host, stage, input, deadline)
          : settleKeyGroups(host, stage, input.operator, input, deadline),
      )
    }
    // A stage that is only fed by other stages is advanced with them.
    if (stage.inputs.some((input) => input.kind === 'source'))
      await attempt(async () => void failures.push(...(await advanceStage(host, stage, deadline))))
    await attempt(async () => {
      const [watermark] = await host.services.store.get([watermarkKey(host.prefix, stage.index)])
      if (!(await keepState(host, stage, watermark, deadline))) isWhole = false
    })
  }
  if (!isWhole) unfinished(host)
  if (failures.length > 0) throw failures[0]
}

function unfinished({ services: { logger, metrics } }: Host): void {
  metrics.add('UnfinishedTicks', 1, 'Count')
  logger.warn(UNFINISHED_TICK)
}

/**
 * The work of the schedule for a paused pipeline: nothing is read, event time does not advance, and no counted state
 * expires (invariant 9).
 */
export async function keep(host: Host, deadline: Deadline): Promise<void> {
  await host.ready()
  for (const stage of host.plan.stages) {
    const [watermark] = await host.services.store.get([watermarkKey(host.prefix, stage.index)])
    if (!(await keepState(host, stage, watermark, deadline))) unfinished(host)
  }
}

/**
 * Lets the key groups of an operator leave the next stage when the operator's own stage is at rest, so that the next
 * stage can close its windows (invariant 5).
 */
async function settleKeyGroups(
  host: Host,
  stage: StagePlan,
  operator: OperatorPlan,
  input: InputPlan,
  deadline: Deadline,
): Promise<void> {
  const known = await listSplits(host, stage)
  const quietMs = host.plan.pipeline.idleAfterMs
  const now = host.services.clock.now()
  const quiet = known.filter(
    ({ name, status, at }) => name.startsWith(`${input.name}/`) && status !== 'out' && ageMs(now, at) >= quietMs,
  )
  if (quiet.length === 0 || !(await mayRest(host, operator))) return
  let isChanged = false
  await someAtOnce(quiet, deadline, async ({ name }) => {
    if (await part(host, stage, input, name.slice(input.name.length + 1), quietMs)) isChanged = true
  })
  if (isChanged) await advanceStage(host, stage, deadline)
}

/** Registers the splits of one source, ends them, or lets them leave the stage. */
async function settleMembers(host: Host, stage: StagePlan, input: InputPlan, deadline: Deadline): Promise<void> {
  const inspector = host.services.inspector(input.name)
  if (inspector === undefined) return
  const listed = await inspector.list()
  const known = await listSplits(host, stage)
  if (known.length === 0) await register(host, stage)
  else await registerListed(host, stage, input, listed, known) // guard: listed-registered
  await registerSuccessors(host, stage, input, known)
  const faulty = await stopFaulty(host, stage, input, known, listed)
  const mine = known.filter((split) => split.name.startsWith(`${input.name}/`))
  const stopped = mine.filter((split) => split.stopped !== '' || faulty.has(split.name)).length
  host.services.metrics.add('StoppedNow', stopped, 'Count')
  // Long ids are hashed in names, so a listed split is found by the name that it would have.
  const byName = new Map(listed.map((listing) => [splitName(input.name, listing.split), listing]))
  const going = mine.filter(({ name, status, stopped }) => status !== 'ended' && stopped === '' && !faulty.has(name))
  // If a tick does not have time for all splits, the next one begins at another split, so no split waits forever.
  const first = Math.floor(host.services.clock.now() / TURN_MS) % Math.max(1, going.length)
  const inTurn = [...going.slice(first), ...going.slice(0, first)]
  await someAtOnce(inTurn, deadline, (split) =>
    settleSplit(host, stage, input, split, byName.get(originName(input, split)), listed),
  )
}

/**
 * Works on several splits at once, while time remains. An error for one of them does not keep the others from their
 * turn.
 */
async function someAtOnce(
  splits: readonly SplitState[],
  deadline: Deadline,
  work: (split: SplitState) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  for (let at = 0; at < splits.length && deadline.remainingMs() >= DEADLINE_RESERVE_MS; at += SPLITS_AT_ONCE) {
    const some = splits.slice(at, at + SPLITS_AT_ONCE)
    await together(some.map((split) => work(split).catch((error) => failures.push(error))))
  }
  if (failures.length > 0) throw failures[0]
}

/** Ends one split, or lets it leave the stage. A split that is active costs no call. */
async function settleSplit(
  host: Host,
  stage: StagePlan,
  input: InputPlan,
  split: SplitState,
  listing: SplitListing | undefined,
  listed: readonly SplitListing[],
): Promise<void> {
  if (listing !== undefined) await isBack(host, stage, split)
  await setClock(host, stage, split)
  const origin = listing?.split ?? split.name.slice(input.name.length + 1)
  const id = split.origin === '' ? origin : split.name.slice(input.name.length + 1)
  if ((listing === undefined || listing.closed) && (await end(host, stage, input, id, listed, origin))) return
  const quietMs = host.plan.pipeline.idleAfterMs
  if (split.status !== 'out' && ageMs(host.services.clock.now(), split.at) >= quietMs)
    await part(host, stage, input, id, quietMs, origin)
  await stillEmpty(host, stage, input, split, origin)
}

/**
 * Replaces a time written by a clock that is far ahead with this clock's time, so that what waits for a quiet split can
 * continue.
 */
async function setClock(host: Host, stage: StagePlan, split: SplitState): Promise<void> {
  const now = host.services.clock.now()
  if (ageMs(now, split.at) !== Number.POSITIVE_INFINITY) return
  const key = splitKey(host.prefix, stage, split.name)
  await host.services.store.update({ key, set: { at: now }, when: asRead(split) }) // guard: clock-as-read
}
