import type { StagePlan } from '../../pipeline/index.js'
import type { Item, StateStore } from '../../ports/index.js'
import { START, splitKey, splitName } from '../../runtime/keys.js'
import { resetSplit } from '../../runtime/log-faults.js'
import { readSplit, type SplitState } from '../../runtime/split-item.js'
import { positionOf, type SimLog } from './log.js'
import type { Ports } from './ports.js'
import type { SimTable } from './table.js'

const LOOK_MS = 20_000
const RESET_AFTER_MS = 61_000

/**
 * The operator on call: resets stopped splits, and skips records that kill the processes reading them. It acts on what
 * `millrace splits` shows.
 */
export class Operator {
  private readonly ports: Ports
  private readonly table: SimTable
  private readonly prefix: string
  private readonly stages: readonly StagePlan[]
  private readonly logs: readonly SimLog[]
  private readonly timeoutMs: number
  /** Stops all work on a log while it is changed manually. */
  private readonly quiet: (log: SimLog) => void
  private readonly resumed: (log: SimLog) => void
  private isLooking = false
  private readonly stopped = new Map<SimLog, number>()
  private readonly deaths = new Map<SimLog, string>()

  constructor(world: {
    ports: Ports
    table: SimTable
    prefix: string
    stages: readonly StagePlan[]
    logs: readonly SimLog[]
    timeoutMs: number
    quiet: (log: SimLog) => void
    resumed: (log: SimLog) => void
  }) {
    this.ports = world.ports
    this.table = world.table
    this.prefix = world.prefix
    this.stages = world.stages
    this.logs = world.logs
    this.timeoutMs = world.timeoutMs
    this.quiet = world.quiet
    this.resumed = world.resumed
  }

  /** An alarm: checks soon, and repeats the check until there is nothing to do. */
  alarm(): void {
    if (this.isLooking) return
    this.isLooking = true
    this.ports.scheduler.after(LOOK_MS, '', () => {
      this.isLooking = false
      void this.look()
    })
  }

  /** A process was killed by a record of this log. */
  killed(log: SimLog, position: string): void {
    this.deaths.set(log, position)
    this.alarm()
  }

  private async look(): Promise<void> {
    const { scheduler } = this.ports
    if (this.table.checks.damaged.size > 0) {
      this.alarm()
      return
    }
    for (const log of this.logs) {
      const found = this.splitOf(log)
      if (found === undefined) continue
      const { item, stage } = found
      const split = readSplit(item, stage.operators.length)
      if (split.stopped === '') this.stopped.delete(log)
      else {
        const since = this.stopped.get(log)
        if (since === undefined) this.stopped.set(log, scheduler.now)
        else if (scheduler.now - since > RESET_AFTER_MS && this.ports.latent === 0) await this.reset(log, item, stage)
        this.alarm()
      }
      const victim = this.deaths.get(log)
      if (victim === undefined) continue
      if (split.position >= victim) {
        this.deaths.delete(log)
        continue
      }
      this.alarm()
      // Skips only if the first record after the position that still exists is the one that kills. Otherwise there is
      // nothing to skip yet (invariant 14).
      if (
        split.skip !== split.position &&
        scheduler.now - split.at > 3 * this.timeoutMs &&
        Math.max(log.kept, log.after(split.position)) === log.unitStart(log.indexOf(victim))
      )
        await this.skip(log, item, split.position)
    }
  }

  /** Whether the log's split is stopped and waits for an operator. */
  isStopped(log: SimLog): boolean {
    return this.splitOf(log)?.item.stopped !== undefined
  }

  hasAccepted(log: SimLog, position: string): boolean {
    return this.splitOf(log)?.item.accepted === position
  }

  /** Whether the state does not know yet that the log was recreated. */
  isBehind(log: SimLog): boolean {
    return this.splitOf(log)?.item.sk !== `s#${splitName(log.plan.source, log.splitId)}`
  }

  /** The position up to which the log was read, by the state. */
  positionOf(log: SimLog): string {
    const item = this.splitOf(log)?.item
    // A split that was replaced, but whose successor does not exist yet, has read nothing of its new log.
    return item === undefined || (item.next !== undefined && log.generation > 0) ? START : (item.position as string)
  }

  /** The position up to which the log is empty, by the state. */
  emptyTo(log: SimLog): string {
    return (this.splitOf(log)?.item.emptyTo as string | undefined) ?? ''
  }

  private splitOf(log: SimLog): { item: Item; stage: StagePlan } | undefined {
    const { source } = log.plan
    const stage = this.stages.find(({ inputs }) => inputs.some(({ name }) => name === source))!
    const find = (id: string) => this.table.items.find(splitKey(this.prefix, stage, splitName(source, id)))
    const item = (find(log.splitId) ?? find(log.idBefore))?.item
    return item && { item, stage }
  }

  private async reset(log: SimLog, item: Item, stage: StagePlan): Promise<void> {
    const { scheduler } = this.ports
    this.quiet(log)
    const split = readSplit(item, stage.operators.length)
    const isRemade = split.stopped.startsWith('beyond-end')
    const name = await this.tryReset(stage, split)
    scheduler.note(`reset ${log.name}: ${String(name)}`)
    if (name === undefined) return
    this.stopped.delete(log)
    if (isRemade) {
      for (const record of log.past.at(-1)!)
        if (positionOf(log.connector, record) > split.position)
          log.lost.push({ generation: log.generation - 1, record })
      // A split that was never read begins where its log begins.
      log.loses(0, log.kept)
      log.next = log.kept
    } else {
      log.loses(log.after(split.position), log.kept)
      log.next = Math.max(log.kept, log.next)
    }
    this.resumed(log)
  }

  /** The command may be killed before either of its two writes; what it wrote before remains. */
  private async tryReset(stage: StagePlan, split: SplitState): Promise<string | undefined> {
    const { scheduler, swarm } = this.ports
    const { direct } = this.table
    let isKilled = false
    const dies = (): boolean => {
      isKilled = swarm.strikes('operator-dies')
      return isKilled
    }
    const store: StateStore = {
      ...direct,
      update: async (update) => (dies() ? { applied: false, item: undefined } : await direct.update(update)),
      insert: async (items) => (dies() ? items.map(() => 'exists') : await direct.insert(items)),
    }
    const name = await resetSplit(store, this.prefix, stage, split, scheduler.now, true)
    if (isKilled) scheduler.note(`the command that resets ${split.name} is killed`)
    return name
  }

  private async skip(log: SimLog, item: Item, position: string): Promise<void> {
    const verdict = await this.table.direct.update({
      key: item,
      set: { skip: position },
      when: [{ attribute: 'position', is: 'equal', value: position }],
    })
    this.ports.scheduler.note(`skip ${log.name} after ${position}: ${verdict.applied}`)
  }
}
