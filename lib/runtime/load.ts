import { StopError, TIME_MAX, TIME_MIN } from '../base/index.js'
import type { OperatorPlan } from '../pipeline/index.js'
import type { Item } from '../ports/index.js'
import { LinkCheck, payloadOf } from './chain.js'
import type { Host } from './host.js'
import { bucketCeiling, bucketFloor, FIRST_SEGMENT, groupPk, parseSegmentSk } from './keys.js'
import { readPayload } from './segment.js'
import type { SliceCache } from './slice-cache.js'

/** What a byte and an entry of a payload take on the heap once decoded, roughly. */
const HEAP_PER_BYTE = 2
const HEAP_PER_ENTRY = 400

/**
 * Makes the cache hold the buckets from `lo` to `hi` (bucket ends), reading what it lacks. Stops early, on a whole bucket, once it has read
 * `limits.advanceBytes`, but not before `needed`, the bucket of the slice that closes next. Returns the last bucket that is held. Buckets that end after `frozen` are read anew each time.
 */
export async function ensure(
  host: Host,
  operator: OperatorPlan,
  keyGroup: number,
  cache: SliceCache,
  lo: number,
  hi: number,
  frozen: number,
  needed: number,
): Promise<number> {
  const { bucketMs } = operator.slices
  if (!cache.isEmpty && lo < cache.from) {
    if (lo <= TIME_MIN || hi < cache.from - bucketMs) cache.clear()
    else {
      await read(host, operator, keyGroup, cache, lo, cache.from - bucketMs, Number.POSITIVE_INFINITY, hi)
      cache.from = lo
    }
  }
  if (!cache.isEmpty && lo > cache.to + bucketMs) cache.clear()
  const start = cache.isEmpty ? lo : cache.to + bucketMs
  if (start > hi) return hi
  const reached = await read(host, operator, keyGroup, cache, start, hi, host.limits.advanceBytes, needed)
  if (cache.isEmpty) cache.from = lo
  // Only what can no longer change may stay: a bucket is closed when all of its slices are. guard: frozen-cache
  cache.to = Math.max(
    cache.to,
    reached === TIME_MAX ? TIME_MAX : Math.min(reached, operator.slices.bucketEnd(frozen + 1) - bucketMs),
  )
  return reached
}

async function read(
  host: Host,
  operator: OperatorPlan,
  keyGroup: number,
  cache: SliceCache,
  lo: number,
  hi: number,
  budget: number,
  needed: number,
): Promise<number> {
  const { store, clock, metrics } = host.services
  const { slices } = operator
  cache.forget((end) => slices.bucketEnd(end) >= lo && slices.bucketEnd(end) <= hi)
  const links = new LinkCheck()
  const into = cache.reader(operator)
  const range = {
    pk: groupPk(host.prefix, operator.name, keyGroup),
    from: lo <= TIME_MIN ? FIRST_SEGMENT : bucketFloor(lo),
    to: bucketCeiling(Math.min(hi, TIME_MAX)),
  }
  const nowS = clock.now() / 1000
  let bytes = 0
  let bucket = Number.NEGATIVE_INFINITY
  let after: string | undefined
  do {
    const page = await store.query({ ...range, ...(after !== undefined && { after }) })
    for (const item of page.items) {
      const at = parseSegmentSk(item.sk).bucketEnd
      // Short of what the next slice reads nothing would move, however much there is of it.
      // guard: next-slice-whole
      if (at !== bucket && bytes > budget && at > needed) return at - slices.bucketMs
      bucket = at
      refuseExpired(item, nowS)
      links.see(item)
      const payload = await payloadOf(host, item)
      const raw = readPayload(item, payload, operator, cache.keys, into)
      const weight = raw * HEAP_PER_BYTE + (item.n as number) * HEAP_PER_ENTRY
      cache.weigh(at, weight)
      bytes += weight
    }
    metrics.add('SegmentsRead', page.items.length, 'Count')
    after = page.next
  } while (after !== undefined)
  return hi
}

/** `ttl` cleans up and is never part of correctness (law 9): what it may have begun to delete is refused. */
function refuseExpired(item: Item, nowS: number): void {
  if ((item.ttl as number) > nowS) return // guard: past-its-life
  throw new StopError(
    'state-expired',
    `Segment ${item.pk} ${item.sk} is past its time to live, and others may be gone. Open a new run and replay the source.`,
  )
}
