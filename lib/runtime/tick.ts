import { DEADLINE_RESERVE_MS, TIME_MAX } from '../base/index.js'
import type { StagePlan } from '../pipeline/index.js'
import { advanceStage } from './advance.js'
import { readCursor } from './cursor.js'
import type { Deadline, Host } from './host.js'
import { bucketFloor, FIRST_SEGMENT, groupKey, groupPk, splitName } from './keys.js'
import { end, part } from './membership.js'
import { listSplits, register, registerListed } from './registration.js'

/**
 * The schedule's work (design, section 2): lists the sources' splits, ends and parts them, recomputes watermarks, restarts advances that were
 * lost, and alarms when state grows old unread. Safe to run at any time, any number of times.
 */
export async function tick(host: Host, deadline: Deadline): Promise<void> {
  await host.ready()
  for (const stage of host.plan.stages) {
    if (deadline.remainingMs() < DEADLINE_RESERVE_MS) return
    await settleMembers(host, stage)
    if (stage.inputs.every((input) => input.kind === 'source')) await advanceStage(host, stage, deadline)
    else await advanceMixed(host, stage, deadline)
    await alarmOld(host, stage)
  }
}

/** A stage after another is advanced with it; one that also reads a source has its own reasons to move. */
async function advanceMixed(host: Host, stage: StagePlan, deadline: Deadline): Promise<void> {
  if (stage.inputs.some((input) => input.kind === 'source')) await advanceStage(host, stage, deadline)
}

async function settleMembers(host: Host, stage: StagePlan): Promise<void> {
  const { pipeline } = host.plan
  for (const input of stage.inputs) {
    if (input.kind !== 'source') continue
    const inspector = host.services.inspector(input.name)
    if (inspector === undefined) continue
    const listed = await inspector.list()
    const known = await listSplits(host, stage)
    if (known.length === 0) await register(host, stage)
    else await registerListed(host, stage, input, listed)
    // Long ids are hashed in names, so a listed split is found by the name that it would have.
    const ids = new Map(listed.map((listing) => [splitName(input.name, listing.split), listing.split]))
    for (const split of known) {
      if (!split.name.startsWith(`${input.name}/`) || split.status === 'ended') continue
      const id = ids.get(split.name) ?? split.name.slice(input.name.length + 1)
      if (await end(host, stage, input, id)) continue
      await part(host, stage, input, id, pipeline.idleAfterMs)
    }
  }
}

/** Law 9: at half of a segment's life the oldest one still to be read is an alarm. */
async function alarmOld(host: Host, stage: StagePlan): Promise<void> {
  const { store, clock, logger, metrics } = host.services
  for (const operator of stage.operators) {
    for (let keyGroup = 0; keyGroup < operator.keyGroups; keyGroup++) {
      const [group] = await store.get([groupKey(host.prefix, operator.name, keyGroup)])
      const cursor = readCursor((group?.cursor as string | undefined) ?? '')
      if (cursor.slice >= TIME_MAX) continue
      const from =
        group === undefined || group.cursor === ''
          ? FIRST_SEGMENT
          : bucketFloor(operator.slices.bucketEnd(cursor.slice + 1))
      const page = await store.query({ pk: groupPk(host.prefix, operator.name, keyGroup), from, to: 'g~', limit: 1 })
      const oldest = page.items[0]
      if (oldest === undefined) continue
      const leftMs = (oldest.ttl as number) * 1000 - clock.now()
      metrics.add('OldestUnreadMs', Math.max(0, leftMs), 'Milliseconds')
      const halfLifeMs = (37 * 86_400_000 + operator.slices.spanMs + operator.slices.allowedLatenessMs) / 2
      if (leftMs < halfLifeMs)
        logger.error('state is growing old unread: it will be deleted', { operator: operator.name, keyGroup, leftMs })
    }
  }
}
