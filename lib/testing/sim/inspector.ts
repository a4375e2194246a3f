import type { SourceInspector, SplitFault, SplitListing } from '../../ports/index.js'
import { START } from '../../runtime/keys.js'
import type { SimLog } from './log.js'
import { injected, type Ports } from './ports.js'
import type { Process } from './process.js'

/** How long a record is retained, ms. */
export const RETENTION_MS = 86_400_000

/**
 * The answers of a simulated source to a process. They are true when they are given, except for what the faults omit.
 */
export function simInspector(
  ports: Ports,
  process: Process,
  logs: readonly SimLog[],
  source: string,
  /** Whether no log of any source grows any more. */
  isOver: () => boolean,
): SourceInspector {
  const { swarm, scheduler } = ports
  const ask = <T>(what: string, answer: () => T): Promise<T> =>
    ports.call(process, `${process.name} ${what}`, false, async () => answer())
  const listed = (): SimLog[] => logs.filter((log) => log.isListed(scheduler.now))
  return {
    get bounded() {
      return isOver() || logs.some(({ connector }) => connector === 'file')
    },
    list: () =>
      ask(`list ${source}`, () => {
        if (swarm.strikes('list-fails')) throw injected('source-failed', 'the source cannot list its splits')
        const all = listed()
        if (!isOver() && logs[0]?.connector !== 'file' && all.length > 1 && swarm.strikes('list-incomplete'))
          all.splice(swarm.below(all.length), 1)
        return all.map((log) => listingOf(log, isOver() || log.isClosed(scheduler.now)))
      }),
    peek: (split, after) =>
      ask(`peek ${source}/${split} ${after}`, () => {
        if (swarm.strikes('peek-unknown')) return 'unknown'
        const log = logs.find(({ plan }) => plan.split === split)
        if (log === undefined) return 'unknown'
        return log.visible(scheduler.now) > Math.max(log.kept, log.after(after)) ? 'waiting' : 'nothing'
      }),
    ...(logs[0]?.connector === 'kafka' && {
      end: (split: string) =>
        ask(`end ${source}/${split}`, () => {
          const log = logs.find(({ plan }) => plan.split === split)
          const count = log?.visible(scheduler.now) ?? 0
          return log === undefined || count === 0 ? undefined : log.marker(count)
        }),
    }),
    verify: (positions) =>
      ask(`verify ${source} ${[...positions.keys()].join(' ')}`, () => {
        if (swarm.strikes('verify-fails')) throw injected('source-failed', 'the source cannot verify its logs')
        return [...positions].flatMap(([split, position]) => faultOf(logs, split, position, scheduler.now))
      }),
  }
}

function listingOf(log: SimLog, closed: boolean): SplitListing {
  const { split, parents } = log.plan
  const start = log.kept === 0 ? START : log.position(log.kept - 1)
  return { split, start, closed, ...(parents !== undefined && { parents }) }
}

function faultOf(logs: readonly SimLog[], split: string, position: string, now: number): SplitFault[] {
  const log = logs.find(({ plan }) => plan.split === split)
  if (log === undefined) return []
  const count = log.visible(now)
  if (log.generation > 0 && (count === 0 || position > log.position(count - 1)))
    return [{ split, kind: 'beyond-end', detail: 'The log ends before the position.' }]
  const after = log.after(position)
  const isMarkerGone = after > 0 && after === log.markerGone && position < log.marker(after)
  if (after < log.kept || isMarkerGone)
    return [{ split, kind: 'trimmed', detail: 'Records were deleted unread.', retentionMs: RETENTION_MS }]
  return []
}
