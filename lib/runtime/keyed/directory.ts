import { STATE_DIRECTORY_BYTES } from '../../base/index.js'
import type { Item, ItemKey } from '../../ports/index.js'
import { directoryKey } from '../keys.js'
import { checkSeal, sealOf } from '../seal.js'
import { payloadAttributes, unpacked } from '../segment.js'
import { type StateGroup, storeOf } from './group.js'
import type { Splits } from './splits.js'

/**
 * The directory of a key group: its splits in one item, so that a container that opens the group need not read a marker
 * for each. Splits are for good, so an old directory, or one with fewer splits, is never wrong: whoever walks by it
 * finds the markers of the rest.
 */
export const keyOfDirectory = ({ host, operator, keyGroup }: StateGroup): ItemKey =>
  directoryKey(host.prefix, operator, keyGroup)

const directorySeal = ({ sk }: ItemKey, known: number, sum: number): number => sealOf(sk, known, sum)

/**
 * Adds the splits of a stored directory. Returns how many were known when it was written.
 * @throws {StopError} if it is damaged
 */
export function readDirectory(item: Item | undefined, splits: Splits): number {
  if (item === undefined) return 0
  const known = item.known as number
  checkSeal(item, 'seal', directorySeal(item, known, item.sum as number), 'the directory of keyed state')
  splits.decode(unpacked(item, item.data as Uint8Array, 'directory'))
  return known
}

/**
 * Stores the splits that this container knows. The write has no condition. If it replaces a directory with more splits,
 * the next container that opens the group reads some markers more.
 */
export async function writeDirectory(group: StateGroup, splits: Splits): Promise<void> {
  const key = keyOfDirectory(group)
  const payload = payloadAttributes(splits.encode(STATE_DIRECTORY_BYTES))
  const set = { ...payload, known: splits.size, seal: directorySeal(key, splits.size, payload.sum) }
  const store = storeOf(group)
  const { item } = await store.update({ key, set, when: [] })
  if (item === undefined) await store.insert([{ ...key, ...set }]) // guard: directory-hint
}
