import { CONTENTION_TURNS_MAX, RetryableError, StopError } from '../base/index.js'
import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { Item } from '../ports/index.js'
import type { Host } from './host.js'
import { AFTER_ALL, groupPk, parseSegmentSk, START, segmentSk } from './keys.js'
import { checkSeal, sealOf } from './seal.js'
import { cutPayload, encodeEntries, payloadAttributes, type SegmentEntries } from './segment.js'
import { chainName } from './split-item.js'
import type { StageFold, StageRefold } from './stage-fold.js'

const DAY_S = 86_400
/** A segment outlives the longest retention of its source (Kinesis: 365 days at most; 7 is what most have), and 30 days (law 9). */
const SOURCE_RETENTION_S = 7 * DAY_S
const SPARE_S = 30 * DAY_S
/** Parts read at once: DynamoDB answers at most 16 MB. */
const PARTS_AT_ONCE = 25
/** Chains whose ends are asked for at once, where an insert was refused. */
const CHAINS_AT_ONCE = 25

/** How long a segment lives: the source's retention, the window's span, the allowed lateness, and 30 days (law 9). */
export function segmentLifeMs({ slices }: OperatorPlan): number {
  return (SOURCE_RETENTION_S + SPARE_S) * 1000 + slices.spanMs + slices.allowedLatenessMs
}

interface Draft {
  readonly operator: number
  readonly chain: string
  readonly entries: SegmentEntries
}

/**
 * Writes what a chunk holds, one segment a chain, each inserted if absent under the chain's tail (law 2). A conflict means that another attempt
 * was there: its segment stands, what it covers is left out, and the rest is appended after it. The chunk's records lie in (after, to]. Returns how far
 * each chain reaches now.
 */
export async function writeSegments(
  host: Host,
  stage: StagePlan,
  split: string,
  after: string,
  to: string,
  tails: ReadonlyMap<string, string>,
  fold: StageFold,
  refold: (keep: StageRefold) => StageFold,
): Promise<Map<string, string>> {
  const { store } = host.services
  const reached = new Map<string, string>()
  const tailOf = (chain: string): string => reached.get(chain) ?? tails.get(chain) ?? START
  let drafts = draftsOf(fold)
  // A tail beyond the split's position: an attempt wrote the segment and died before its checkpoint. What it holds is left out.
  let behind = new Map<string, string>()
  for (const { chain } of drafts) if (tailOf(chain) > after) behind.set(chain, tailOf(chain)) // guard: tail-ahead-skipped
  if (behind.size > 0)
    drafts = [...drafts.filter(({ chain }) => !behind.has(chain)), ...draftsOf(refold(keepAfter(behind)))]
  for (let turn = 0; turn < CONTENTION_TURNS_MAX; turn++) {
    if (drafts.length === 0) return reached
    const items: Item[] = []
    for (const draft of drafts) items.push(await segmentItem(host, stage, split, draft, tailOf(draft.chain), to))
    const verdicts = await store.insert(items) // guard: insert-only, by the store's word
    behind = new Map<string, string>()
    const refused: Draft[] = []
    for (const [i, verdict] of verdicts.entries()) {
      const draft = drafts[i]!
      if (verdict === 'inserted')
        reached.set(draft.chain, to) // guard: conflict-seen
      else refused.push(draft)
    }
    for (let at = 0; at < refused.length; at += CHAINS_AT_ONCE) {
      const asked = refused.slice(at, at + CHAINS_AT_ONCE)
      for (const [i, tail] of (await Promise.all(asked.map((draft) => lastOf(host, stage, split, draft)))).entries()) {
        const { chain } = asked[i]!
        reached.set(chain, tail)
        if (tail < to) behind.set(chain, tail) // guard: rest-appended
      }
    }
    if (behind.size === 0) return reached
    drafts = draftsOf(refold(keepAfter(behind)))
  }
  throw new RetryableError(
    'contention',
    `Segments of the split ${split} met another attempt ${CONTENTION_TURNS_MAX} times.`,
  )
}

/** Only rows of these chains, and only those after their tails. */
function keepAfter(tails: ReadonlyMap<string, string>): StageRefold {
  return (operator, lane, bucketEnd, position) => {
    const tail = tails.get(chainName(operator, lane, bucketEnd))
    return tail !== undefined && position > tail // guard: counted-left-out
  }
}

function draftsOf(fold: StageFold): Draft[] {
  const drafts: Draft[] = []
  for (const [operator, folded] of fold.folds.entries()) {
    for (const entries of folded.entries())
      drafts.push({ operator, chain: chainName(operator, entries.lane, entries.bucketEnd), entries })
  }
  return drafts
}

async function segmentItem(
  host: Host,
  stage: StagePlan,
  split: string,
  draft: Draft,
  from: string,
  to: string,
): Promise<Item> {
  const { operator, entries } = draft
  const plan = stage.operators[operator]!
  const pk = groupPk(host.prefix, plan.name, entries.lane)
  const sk = segmentSk(entries.bucketEnd, split, from)
  const ttl = Math.floor((host.services.clock.now() + segmentLifeMs(plan)) / 1000)
  const payload = payloadAttributes(encodeEntries(entries))
  const { data, ...rest } = payload
  if (data.length <= host.limits.segmentBytes) return sealed({ pk, sk, to, n: entries.count, ttl, ...payload })
  // Parts first, keyed with a nonce, so that no two attempts meet on them; then the head that names them.
  const nonce = host.services.ids.next()
  const parts = cutPayload(data, host.limits.segmentBytes)
  // guard: parts-before-head
  await host.services.store.insert(parts.map((part, i) => ({ pk, sk: partSk(sk, nonce, i), data: part, ttl })))
  return sealed({ pk, sk, to, n: entries.count, ttl, ...rest, parts: `${nonce}:${parts.length}` })
}

/** A segment's head says how far it reaches, and what it holds by its own checksum. */
function headSeal({ sk, to, n, sum, packed, parts }: Item): number {
  return sealOf(sk, to, n, sum, packed, parts)
}

function sealed(item: Item & { seal?: number }): Item {
  item.seal = headSeal(item)
  return item
}

function checkHead(item: Item): void {
  checkSeal(item, 'seal', headSeal(item), 'a segment')
}

const partSk = (sk: string, nonce: string, index: number): string => `p#${sk}#${nonce}#${index}` // guard: parts-by-nonce

/** The payload of a segment, put together from its parts where it has some. */
export async function payloadOf(host: Host, item: Item): Promise<Uint8Array> {
  const parts = item.parts as string | undefined
  if (parts === undefined) return item.data as Uint8Array
  const [nonce, count] = parts.split(':') as [string, string]
  const keys = Array.from({ length: Number(count) }, (_, i) => ({ pk: item.pk, sk: partSk(item.sk, nonce, i) }))
  const found: (Item | undefined)[] = []
  for (let at = 0; at < keys.length; at += PARTS_AT_ONCE)
    found.push(...(await host.services.store.get(keys.slice(at, at + PARTS_AT_ONCE))))
  return Buffer.concat(
    found.map((part, i) => {
      // guard: part-missing
      if (part === undefined)
        throw new StopError(
          'lost-state',
          `Part ${i} of segment ${item.pk} ${item.sk} is gone. Restore the table, or open a new run.`,
        )
      return part.data as Uint8Array
    }),
  )
}

/** Where a chain ends now: one reverse query, limit 1. */
async function lastOf(host: Host, stage: StagePlan, split: string, draft: Draft): Promise<string> {
  const pk = groupPk(host.prefix, stage.operators[draft.operator]!.name, draft.entries.lane)
  const from = segmentSk(draft.entries.bucketEnd, split, '')
  const page = await host.services.store.query({ pk, from, to: `${from}${AFTER_ALL}`, descending: true, limit: 1 })
  const last = page.items[0]
  if (last === undefined) throw new RetryableError('contention', `A segment of ${split} was in the way and is gone.`)
  checkHead(last) // guard: tail-seal
  return last.to as string
}

/** Checks a chain's links from the sentinel on, or from where it was read to; a hole means that state was lost (law 7). */
export class LinkCheck {
  private chain = ''
  private to = START
  private bucketEnd = Number.NaN
  /** How far the chains of the bucket at hand reach, by split. */
  private ends = new Map<string, string>()

  /** What comes next of a chain goes on from here. */
  goOn(pk: string, bucketEnd: number, split: string, to: string): void {
    this.chain = `${pk}#${bucketEnd}#${split}`
    this.to = to
  }

  see(item: Item): void {
    checkHead(item) // guard: head-seal
    const { bucketEnd, split, from } = parseSegmentSk(item.sk)
    const chain = `${item.pk}#${bucketEnd}#${split}`
    if (chain !== this.chain) {
      this.chain = chain
      this.to = START
    }
    // guard: links
    if (from !== this.to) {
      throw new StopError(
        'lost-state',
        `The chain of ${item.pk} ${item.sk} has a hole: it goes on from ${from}, but the segment before it ends at ${this.to}. Restore the table, or open a new run.`,
      )
    }
    this.to = item.to as string
    if (bucketEnd !== this.bucketEnd) {
      this.bucketEnd = bucketEnd
      this.ends = new Map()
    }
    this.ends.set(split, this.to)
  }

  /** How far the chains of this bucket reach, by split, if it was the last one seen. */
  endsOf(bucketEnd: number): Map<string, string> {
    return bucketEnd === this.bucketEnd ? this.ends : new Map()
  }
}
