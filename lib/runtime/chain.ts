import { CONTENTION_TURNS_MAX, RetryableError, StopError, together } from '../base/index.js'
import type { StagePlan } from '../pipeline/index.js'
import type { Item, ItemKey, RangeQuery } from '../ports/index.js'
import type { Host } from './host.js'
import { AFTER_ALL, parseSegmentSk, START, segmentSk, segmentsPk } from './keys.js'
import { ttlOf } from './marks.js'
import { checkSeal, sealOf } from './seal.js'
import { cutPayload, encodeEntries, payloadAttributes, type SegmentEntries } from './segment.js'
import { chainName } from './split-item.js'
import type { StageFold, StageRefold } from './stage-fold.js'

/**
 * A segment of an attempt that never reached its checkpoint gets a new life if it has already lost this fraction of its
 * spare life (one part in `FOUND_PARTS`).
 */
const FOUND_PARTS = 8
/** Parts read at once. DynamoDB returns at most 16 MB. */
const PARTS_AT_ONCE = 25
/** Chains whose tails are queried at once after inserts were refused. */
const CHAINS_AT_ONCE = 25

interface Draft {
  readonly operator: number
  readonly chain: string
  readonly entries: SegmentEntries
}

/**
 * Writes the contents of a chunk, one segment per chain. Each segment is inserted if absent, under the chain's tail
 * (invariant 2). A conflict means that another attempt has already written there: its segment is kept, the rows that it
 * covers are left out, and the rest is appended after it. The chunk's records are in (after, to]. Returns the new tail
 * of each chain.
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
  // A tail beyond the split's position means that an attempt wrote the segment and died before its checkpoint. The rows
  // in that segment are left out.
  let behind = new Map<string, string>()
  for (const { chain } of drafts) if (tailOf(chain) > after) behind.set(chain, tailOf(chain)) // guard: tail-ahead-skipped
  if (behind.size > 0)
    drafts = [...drafts.filter(({ chain }) => !behind.has(chain)), ...draftsOf(refold(keepAfter(behind)))]
  for (let turn = 0; turn < CONTENTION_TURNS_MAX; turn++) {
    if (drafts.length === 0) return reached
    const items: Item[] = []
    for (const draft of drafts) items.push(await segmentItem(host, stage, split, draft, tailOf(draft.chain), to))
    const verdicts = await store.insert(items) // guard: insert-only, enforced by the store
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
      for (const [i, tail] of (
        await together(asked.map((draft) => lastOf(host, stage, split, draft, after)))
      ).entries()) {
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
    `Segments of the split ${split} conflicted with another attempt ${CONTENTION_TURNS_MAX} times.`,
  )
}

/** Keeps only the rows of these chains that come after the chains' tails. */
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
  const pk = segmentsPk(host.prefix, plan, entries.lane, split)
  const sk = segmentSk(entries.bucketEnd, split, from)
  const ttl = ttlOf(host, plan, stage.index)
  const payload = payloadAttributes(encodeEntries(entries))
  const { data, ...rest } = payload
  if (data.length <= host.limits.segmentBytes) return sealed({ pk, sk, to, n: entries.count, ttl, ...payload })
  // The parts are written first, with a nonce in their keys, so that two attempts never write the same part. Then the
  // head is written, which names them.
  const nonce = host.services.ids.next()
  const parts = cutPayload(data, host.limits.segmentBytes)
  // guard: parts-before-head
  await host.services.store.insert(parts.map((part, i) => ({ pk, sk: partSk(sk, nonce, i), data: part, ttl })))
  return sealed({ pk, sk, to, n: entries.count, ttl, ...rest, parts: `${nonce}:${parts.length}` })
}

/**
 * The seal of a segment's head. The head states how far the segment reaches, and holds the checksum of its contents.
 */
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

/** The keys of a segment's parts; empty if it has none. */
export function partKeys({ pk, sk, parts }: Item): ItemKey[] {
  if (parts === undefined) return []
  const [nonce, count] = String(parts).split(':') as [string, string]
  return Array.from({ length: Number(count) }, (_, i) => ({ pk, sk: partSk(sk, nonce, i) }))
}

/** The payload of a segment, assembled from its parts if it has any. */
export async function payloadOf(host: Host, item: Item): Promise<Uint8Array> {
  if (item.parts === undefined) return item.data as Uint8Array
  const keys = partKeys(item)
  const found: (Item | undefined)[] = []
  for (let at = 0; at < keys.length; at += PARTS_AT_ONCE)
    found.push(...(await host.services.store.get(keys.slice(at, at + PARTS_AT_ONCE))))
  return Buffer.concat(
    found.map((part, i) => {
      // guard: part-missing
      if (part === undefined)
        throw new StopError(
          'lost-state',
          `Part ${i} of segment ${item.pk} ${item.sk} is missing. Restore the table, or open a new run.`,
        )
      return part.data as Uint8Array
    }),
  )
}

/** The current tail of a chain, from one descending query with limit 1. */
async function lastOf(host: Host, stage: StagePlan, split: string, draft: Draft, after: string): Promise<string> {
  const plan = stage.operators[draft.operator]!
  const pk = segmentsPk(host.prefix, plan, draft.entries.lane, split)
  const from = segmentSk(draft.entries.bucketEnd, split, '')
  const range = { pk, from, to: `${from}${AFTER_ALL}` }
  const page = await host.services.store.query({ ...range, descending: true, limit: 1 })
  const last = page.items[0]
  if (last === undefined)
    throw new RetryableError('contention', `A segment of ${split} blocked an insert but no longer exists.`)
  checkHead(last) // guard: tail-seal
  const ttl = ttlOf(host, plan, stage.index)
  // No mark covers this segment: it was written without a checkpoint of its split, perhaps long ago.
  if ((last.to as string) > after && (last.ttl as number) < ttl - host.limits.spareLifeMs / FOUND_PARTS / 1000)
    await renew(host, range, after, ttl) // guard: found-renewed
  return last.to as string
}

/** Gives the segments of a chain that reach beyond a position, and their parts, the life of new segments. */
async function renew(host: Host, range: RangeQuery, after: string, ttl: number): Promise<void> {
  const { store } = host.services
  let next: string | undefined
  do {
    const page = await store.query({ ...range, ...(next !== undefined && { after: next }) })
    for (const item of page.items) {
      if ((item.to as string) <= after) continue
      for (const key of [...partKeys(item), { pk: item.pk, sk: item.sk }])
        await store.update({ key, set: { ttl }, when: [] }) // guard: life-only-grows
    }
    next = page.next
  } while (next !== undefined)
}

/**
 * Checks that the links of a chain have no hole, from the sentinel or from where the chain was read to. A hole means
 * that state was lost (invariant 7).
 */
export class LinkCheck {
  private chain = ''
  private to = START
  private bucketEnd = Number.NaN
  /** The tails of the chains in the current bucket, by split. */
  private ends = new Map<string, string>()

  /** The next segment of this chain has to continue from here. */
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
        `The chain of ${item.pk} ${item.sk} has a hole: the segment starts at ${from}, but the one before it ends at ${this.to}. Restore the table, or open a new run.`,
      )
    }
    this.to = item.to as string
    if (bucketEnd !== this.bucketEnd) {
      this.bucketEnd = bucketEnd
      this.ends = new Map()
    }
    this.ends.set(split, this.to)
  }

  /** The tails of the chains in this bucket, by split, if it was the last bucket seen. */
  endsOf(bucketEnd: number): Map<string, string> {
    return bucketEnd === this.bucketEnd ? this.ends : new Map()
  }
}
