import { digest, WAKE_LIFE_MS } from '../../base/index.js'
import type { Item } from '../../ports/index.js'
import { wakeFloor, wakeKey, wakesPk } from '../keys.js'
import { checkSeal, sealOf } from '../seal.js'
import { payloadAttributes, unpacked } from '../segment.js'
import { type StateGroup, storeOf } from './group.js'

/** A time at which a key in a block has work without rows. A wake is a hint: the state decides what is done. */
export interface Due {
  readonly time: number
  readonly hash: number
}

/** Some times at which keys have work, in order. */
export interface Wake {
  readonly sk: string
  readonly first: number
  readonly last: number
  readonly dues: readonly Due[]
}

const wakeSeal = (sk: string, first: number, last: number, sum: number): number => sealOf(sk, first, last, sum)

/**
 * Writes wakes for some times. An item is named by its content: attempts that fold the same changes may find different
 * times without a wake.
 */
export async function writeWakes(group: StateGroup, given: readonly Due[]): Promise<void> {
  if (given.length === 0) return
  const sorted = [...given].sort((a, b) => a.time - b.time || a.hash - b.hash)
  const dues = sorted.filter(({ time, hash }, i) => time !== sorted[i - 1]?.time || hash !== sorted[i - 1]!.hash)
  const { host, operator, keyGroup } = group
  const items: Item[] = []
  const { wakeTimers } = host.limits
  for (let at = 0; at < dues.length; at += wakeTimers) {
    const some = dues.slice(at, at + wakeTimers)
    const first = some[0]!.time
    const text = JSON.stringify(some.flatMap(({ time, hash }) => [time - first, hash]))
    const key = wakeKey(host.prefix, operator, keyGroup, first, digest(text))
    const last = some.at(-1)!.time
    const payload = payloadAttributes(Buffer.from(text))
    items.push({ ...key, ...payload, first, last, seal: wakeSeal(key.sk, first, last, payload.sum) })
  }
  // guard: wake-by-content
  await storeOf(group).insert(items)
}

/** The wakes that begin from one time on, up to and including another one. */
export async function readWakes(group: StateGroup, from: number, to: number): Promise<Wake[]> {
  const { host, operator, keyGroup } = group
  const range = { pk: wakesPk(host.prefix, operator, keyGroup), from: wakeFloor(from), to: wakeFloor(to + 1) }
  const wakes: Wake[] = []
  let after: string | undefined
  do {
    const page = await storeOf(group).query({ ...range, ...(after !== undefined && { after }) })
    for (const item of page.items) wakes.push(readWake(item))
    after = page.next
  } while (after !== undefined)
  return wakes
}

function readWake(item: Item): Wake {
  const first = item.first as number
  const last = item.last as number
  checkSeal(item, 'seal', wakeSeal(item.sk, first, last, item.sum as number), 'a wake of keyed state')
  const parts = JSON.parse(unpacked(item, item.data as Uint8Array, 'wake').toString()) as number[]
  const dues: Due[] = []
  for (let at = 0; at < parts.length; at += 2) dues.push({ time: first + parts[at]!, hash: parts[at + 1]! })
  return { sk: item.sk, first, last, dues }
}

/** Gives wakes that all lie before the cursor an end of life. No attempt needs them that can still move the cursor. */
export async function retireWakes(group: StateGroup, wakes: readonly Wake[]): Promise<void> {
  const { host, operator, keyGroup } = group
  const pk = wakesPk(host.prefix, operator, keyGroup)
  const ttl = Math.ceil((host.services.clock.now() + WAKE_LIFE_MS) / 1000)
  for (const { sk } of wakes) await storeOf(group).update({ key: { pk, sk }, set: { ttl }, when: [] }) // guard: used-wakes
}
