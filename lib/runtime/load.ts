import { GROUPS_AT_ONCE, READ_UNIT_BYTES, StopError, TIME_MAX, TIME_MIN, together } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import type { Item, RangeQuery } from '../ports/index.js'
import { LinkCheck, payloadOf } from './chain.js'
import type { Host } from './host.js'
import { bucketCeiling, bucketFloor, FIRST_SEGMENT, lanePks, parseSegmentSk, segmentSk, segmentsPk } from './keys.js'
import type { LaneCache, OpenBucket } from './lane-cache.js'
import { type EntryReader, type KeyReader, readPayload } from './segment.js'

/** The approximate heap that a byte and an entry of a payload take once decoded. */
const HEAP_PER_BYTE = 2
const HEAP_PER_ENTRY = 400
/** Folds that store what is added to them: after a merge the data of both sides remains. */
const GROWING = /^(rows|collect|distinct-count|custom:.*)$/
/** The number of chains of an open bucket that may be continued, each by its own query. */
const CHAINS_AT_ONCE = 16

/** The buckets to hold in the cache, from `lo` to `hi`, by their ends. */
export interface Stretch {
  readonly lo: number
  readonly hi: number
  /** Every slice up to here is closed. Buckets that end after it are read again each time. */
  readonly frozen: number
  /** The bucket of the slice that closes next. */
  readonly needed: number
}

/** The heap that one lane of an operator may fill: several lanes are worked on at once. */
export const laneBytes = (host: Host, { lanes }: OperatorPlan): number =>
  host.limits.advanceBytes / Math.min(lanes, GROUPS_AT_ONCE)

/** The part of it that may be read before it turns out that ranges are needed. That read is then wasted. */
const holdBytes = (host: Host, operator: OperatorPlan): number => laneBytes(host, operator) / 2

/**
 * Makes a lane's cache hold a range of buckets by reading what is missing. It stops early, on a whole bucket, once the
 * heap limit is reached, but not before `needed`. Returns the last bucket that is held, or undefined if not even that
 * much fits into the heap (invariant 11).
 */
export async function hold(
  host: Host,
  operator: OperatorPlan,
  lane: number,
  cache: LaneCache,
  { lo, hi, frozen, needed }: Stretch,
): Promise<number | undefined> {
  const { bucketMs } = operator.slices
  // Other key groups may need the earlier buckets. They read them again, if everything together is too much.
  if (cache.bytes > holdBytes(host, operator) / 2) cache.trim(lo)
  // guard: older-stretch-read
  if (!cache.isEmpty && lo < cache.from) {
    if (lo <= TIME_MIN || hi < cache.from - bucketMs) cache.clear()
    else {
      const older = { lo, hi: cache.from - bucketMs, frozen, needed: hi }
      if ((await readBuckets(host, operator, lane, cache, older)) === undefined) return undefined
      cache.from = lo
    }
  }
  if (!cache.isEmpty && lo > cache.to + bucketMs) cache.clear()
  let start = cache.isEmpty ? lo : cache.to + bucketMs
  if (start > hi) return hi
  const { open } = cache
  if (open?.end === start && isCheaper(open)) {
    cache.open = await readOn(host, operator, lane, cache, open)
    if (cache.open === undefined) {
      if (start <= needed) return undefined
      cache.forget((bucket) => bucket === start)
      return cache.to
    }
    keep(cache, operator, lo, Math.min(start, hi), frozen)
    start += bucketMs
    if (start > hi) return hi
  }
  const reached = await readBuckets(host, operator, lane, cache, { lo: start, hi, frozen, needed })
  if (reached !== undefined) keep(cache, operator, lo, reached, frozen)
  return reached
}

/** Only data that can no longer change may stay in the cache. A bucket is closed when all of its slices are closed. */
function keep(cache: LaneCache, { slices }: OperatorPlan, lo: number, reached: number, frozen: number): void {
  const closed = reached === TIME_MAX ? TIME_MAX : Math.min(reached, slices.bucketEnd(frozen + 1) - slices.bucketMs) // guard: frozen-cache
  cache.extend(lo, closed)
}

/** Whether querying each chain for its new segments costs less than reading the bucket again. */
function isCheaper({ chains, bytes }: OpenBucket): boolean {
  return chains.size < CHAINS_AT_ONCE && chains.size * READ_UNIT_BYTES < bytes
}

async function readBuckets(
  host: Host,
  operator: OperatorPlan,
  lane: number,
  cache: LaneCache,
  { lo, hi, frozen, needed }: Stretch,
): Promise<number | undefined> {
  const { slices } = operator
  cache.forget((bucket) => bucket >= lo && bucket <= hi)
  const links = new LinkCheck()
  const bytesMax = holdBytes(host, operator)
  let bytes = cache.bytes
  let stored = 0
  let bucket = Number.NEGATIVE_INFINITY
  let reached: number | undefined = hi
  const into = cache.reader()
  await eachSegment(
    host,
    operator,
    lane,
    { from: lo <= TIME_MIN ? FIRST_SEGMENT : bucketFloor(lo), hi },
    async (item) => {
      const at = parseSegmentSk(item.sk).bucketEnd
      // Without all of the data that the next slice reads, nothing would progress, however much data that is.
      // guard: next-slice-whole
      if (bytes > bytesMax && at <= needed) {
        reached = undefined
        return false
      }
      if (bytes > bytesMax) {
        // What is held of this bucket is useless without the rest. guard: later-bucket-bounded
        if (at === bucket) cache.forget((held) => held === at)
        reached = at - slices.bucketMs
        return false
      }
      if (at !== bucket) stored = 0
      bucket = at
      stored += (item.data as Uint8Array | undefined)?.length ?? 0
      const weight = await decode(host, operator, item, links, cache.keys, into)
      cache.weigh(at, weight)
      bytes += weight
      return true
    },
  )
  if (reached === hi && hi > frozen && bucket === hi) cache.open = { end: hi, chains: links.endsOf(hi), bytes: stored }
  return reached
}

/**
 * Reads what was added to the chains of an open bucket, and the chains that are new: everything after the end of each
 * chain and before the start of the next. Returns undefined if it does not fit into the heap.
 */
async function readOn(
  host: Host,
  operator: OperatorPlan,
  lane: number,
  cache: LaneCache,
  open: OpenBucket,
): Promise<OpenBucket | undefined> {
  const splits = [...open.chains.keys()].sort()
  const bytesMax = holdBytes(host, operator)
  let bytes = open.bytes
  let isWhole = true
  const chains = new Map(open.chains)
  const into = cache.reader()
  const readChain = async (pk: string, split: string | undefined, next: string | undefined): Promise<void> => {
    const links = new LinkCheck()
    const end = split === undefined ? undefined : open.chains.get(split)!
    if (split !== undefined) links.goOn(pk, open.end, split, end!) // guard: open-chain-goes-on
    const from = split === undefined ? bucketFloor(open.end) : segmentSk(open.end, split, end!)
    const to = next === undefined ? bucketCeiling(open.end) : segmentSk(open.end, next, '')
    for await (const page of pages(host, { pk, from, to })) {
      for (const item of page) {
        if (cache.bytes > bytesMax) isWhole = false // guard: open-bucket-bounded
        if (!isWhole) return
        cache.weigh(open.end, await decode(host, operator, item, links, cache.keys, into))
        bytes += (item.data as Uint8Array | undefined)?.length ?? 0
      }
    }
    for (const [name, reached] of links.endsOf(open.end)) chains.set(name, reached)
  }
  await together(
    lanePks(host.prefix, operator, lane).flatMap((pk) => {
      const mine = splits.filter((split) => segmentsPk(host.prefix, operator, lane, split) === pk)
      return [undefined, ...mine].map((split, i) => readChain(pk, split, mine[i]))
    }),
  )
  return isWhole ? { end: open.end, chains, bytes } : undefined
}

/** Passes every segment of a lane up to a bucket to `take`, bucket by bucket, until `take` returns false. */
export async function eachSegment(
  host: Host,
  operator: OperatorPlan,
  lane: number,
  { from, hi }: { from: string; hi: number },
  take: (item: Item) => Promise<boolean>,
): Promise<void> {
  const to = bucketCeiling(Math.min(hi, TIME_MAX))
  const readers = lanePks(host.prefix, operator, lane).map((pk) => new Reader(pages(host, { pk, from, to })))
  await together(readers.map((reader) => reader.fill()))
  for (;;) {
    let next: Reader | undefined
    for (const reader of readers) if (reader.bucket < (next?.bucket ?? Number.POSITIVE_INFINITY)) next = reader
    if (next === undefined) return
    const { bucket } = next
    do {
      if (!(await take(next.shift()))) return
      await next.fill()
    } while (next.bucket === bucket)
  }
}

/** The segments of one partition key, in order. */
class Reader {
  /** The bucket of the next segment; infinite after the last one. */
  bucket = Number.POSITIVE_INFINITY
  private readonly pages: AsyncIterator<Item[]>
  private page: Item[] = []
  private at = 0

  constructor(pages: AsyncIterator<Item[]>) {
    this.pages = pages
  }

  shift(): Item {
    return this.page[this.at++]!
  }

  async fill(): Promise<void> {
    while (this.at === this.page.length) {
      const { done, value } = await this.pages.next()
      if (done === true) {
        this.bucket = Number.POSITIVE_INFINITY
        return
      }
      this.page = value
      this.at = 0
    }
    this.bucket = parseSegmentSk(this.page[this.at]!.sk).bucketEnd
  }
}

async function* pages(host: Host, range: RangeQuery): AsyncGenerator<Item[]> {
  let after: string | undefined
  do {
    const page = await host.services.store.query({ ...range, ...(after !== undefined && { after }) })
    host.services.metrics.add('SegmentsRead', page.items.length, 'Count')
    yield page.items as Item[]
    after = page.next
  } while (after !== undefined)
}

/**
 * Checks a segment and passes its entries to the reader. Returns the approximate heap of the entries that the reader
 * keeps.
 */
export async function decode(
  host: Host,
  operator: OperatorPlan,
  item: Item,
  links: LinkCheck,
  keys: KeyReader,
  into: EntryReader,
): Promise<number> {
  refusePast(host, item)
  links.see(item)
  const { bytes, taken, added } = readPayload(
    item,
    await payloadOf(host, item),
    operator,
    keys,
    into,
    splitOf(host, operator, item),
  )
  const kept = operator.folds.some(({ kind }) => GROWING.test(kind)) ? taken : added
  return bytes * HEAP_PER_BYTE * (kept / (item.n as number)) + added * HEAP_PER_ENTRY
}

/**
 * The name under which the rows of a segment are ordered among those of other splits: that of their split, or of the
 * operator before. There are as many key groups as the user wants, so their names must not affect the order.
 */
function splitOf({ plan }: Host, operator: OperatorPlan, { sk }: Item): string {
  if (operator.logic === undefined) return ''
  const { split } = parseSegmentSk(sk)
  const input = split.slice(0, split.indexOf('/'))
  const { inputs } = plan.stages[operator.stage]!
  return inputs.some(({ kind, name }) => kind === 'operator' && name === input) ? input : split
}

/**
 * `ttl` cleans up and is never part of correctness (invariant 9): a segment that may be partly deleted already is
 * refused.
 */
function refusePast({ services: { store, clock } }: Host, item: Item): void {
  if (store.keepsExpired === true || (item.ttl as number) > clock.now() / 1000) return // guard: past-its-life
  throw new StopError(
    'state-expired',
    `Segment ${item.pk} ${item.sk} is past its time to live, and others may be deleted already. Open a new run and replay the source.`,
  )
}
