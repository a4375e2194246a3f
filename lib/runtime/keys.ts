import { digest, hash32, hex8, SORTABLE_LENGTH, SPLIT_ID_BYTES_MAX, sortable, unsortable } from '../base/index.js'
import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { ItemKey } from '../ports/index.js'

export { runPrefix } from '../base/index.js'

/** The sentinel that sorts before every position. */
export const START = '0'
/** Sorts after every character that occurs in a key. */
export const AFTER_ALL = '~'

export const pipelineKey = (prefix: string): ItemKey => ({ pk: `${prefix}#pipeline`, sk: '!' })
/** The parts of a stage's plan that decide where a split is stored. */
export type StageShards = Pick<StagePlan, 'index' | 'shards'>
/** The index of the partition key for a split, among those that a stage's writes are spread over. */
export const shardOf = (split: string, shards: number): number => (shards === 1 ? 0 : hash32(split) % shards)
const inShard = (pk: string, shard: number): string => (shard === 0 ? pk : `${pk}.${shard}`)
const splitsPk = (prefix: string, stage: number, shard = 0): string => inShard(`${prefix}#${stage}#splits`, shard)
/** The partition keys of a stage's splits. */
export const splitsPks = (prefix: string, { index, shards }: StageShards): string[] =>
  Array.from({ length: shards }, (_, shard) => splitsPk(prefix, index, shard))
export const splitKey = (prefix: string, { index, shards }: StageShards, split: string): ItemKey => ({
  pk: splitsPk(prefix, index, shardOf(split, shards)),
  sk: `s#${split}`,
})
export const FIRST_SPLIT = 's#'
export const LAST_SPLIT = `s#${AFTER_ALL}${AFTER_ALL}`
export const watermarkKey = (prefix: string, stage: number): ItemKey => ({ pk: splitsPk(prefix, stage), sk: '!' })
const groupPk = (prefix: string, operator: string, keyGroup: number): string => `${prefix}#${operator}#${keyGroup}`
type Shards = Pick<OperatorPlan, 'name' | 'shards'>
/** The partition key of the segments that a split writes to a lane. */
export const segmentsPk = (prefix: string, { name, shards }: Shards, lane: number, split: string): string =>
  inShard(groupPk(prefix, name, lane), shardOf(split, shards))
/** The partition keys of all segments of a lane. */
export const lanePks = (prefix: string, { name, shards }: Shards, lane: number): string[] =>
  Array.from({ length: shards }, (_, shard) => inShard(groupPk(prefix, name, lane), shard))
export const groupKey = (prefix: string, operator: string, keyGroup: number): ItemKey => ({
  pk: groupPk(prefix, operator, keyGroup),
  sk: 'c',
})

type Group = { readonly name: string; readonly keyGroups: number }
const statePk = (prefix: string, { name }: Group, keyGroup: number): string => `${groupPk(prefix, name, keyGroup)}#s`
/** A slot of the ring that holds the changes of a key group's state. */
export const slotKey = (prefix: string, group: Group, keyGroup: number, slot: number): ItemKey => ({
  pk: statePk(prefix, group, keyGroup),
  sk: `t#${String(slot).padStart(3, '0')}`,
})
/** Partition keys that the blocks of a key group are spread over. Half of them are used from `SHARD_BITS` levels on. */
const SHARD_BITS = 4
/** A block of keyed state: the keys whose place begins with the same `depth` bits. */
export function blockKey(prefix: string, group: Group, keyGroup: number, depth: number, bits: number): ItemKey {
  const shard = depth < SHARD_BITS ? 0 : bits >>> (depth - SHARD_BITS)
  return {
    pk: inShard(statePk(prefix, group, keyGroup), shard),
    sk: `b#${String(depth).padStart(2, '0')}#${hex8(bits)}`,
  }
}
/** The splits of the blocks of a key group. */
export const directoryKey = (prefix: string, group: Group, keyGroup: number): ItemKey => ({
  pk: statePk(prefix, group, keyGroup),
  sk: 'd',
})
/** Timers of keys whose state is in blocks. They sort by the first of their times. */
export const wakeKey = (prefix: string, group: Group, keyGroup: number, first: number, id: string): ItemKey => ({
  pk: statePk(prefix, group, keyGroup),
  sk: `${wakeFloor(first)}${id}`,
})
export const wakesPk = statePk
export const wakeFloor = (time: number): string => `w#${sortable(time)}#`

/**
 * Ids that are used in a key unchanged. '#' separates the fields of a key, and ';', '|' and ',' separate tails. An id
 * with a character that sorts after '~' would be outside its range.
 */
const PLAIN_ID = /^[A-Za-z0-9._:/@+=-]+$/

/**
 * A split's name in its stage: the input's name and the split's id. The id is hashed if it is long or contains a
 * separator.
 */
export function splitName(input: string, split: string): string {
  return `${input}/${PLAIN_ID.test(split) && split.length <= SPLIT_ID_BYTES_MAX ? split : `${AFTER_ALL}${digest(split)}`}`
}

/** A key group of an upstream operator, as a split of the next stage. */
export const keyGroupSplit = (keyGroup: number): string => String(keyGroup).padStart(4, '0')

/**
 * Segments sort by bucket, then by split, then along the chain. Bucket ends are encoded with an offset, because times
 * before 1970 are negative.
 */
export const segmentSk = (bucketEnd: number, split: string, from: string): string =>
  `g#${sortable(bucketEnd)}#${split}#${from}`
export const bucketFloor = (bucketEnd: number): string => `g#${sortable(bucketEnd)}#`
export const bucketCeiling = (bucketEnd: number): string => `g#${sortable(bucketEnd)}#${AFTER_ALL}${AFTER_ALL}`
export const FIRST_SEGMENT = 'g#'

/** The bucket, split and start position of a segment, parsed from its sort key. */
export function parseSegmentSk(sk: string): { bucketEnd: number; split: string; from: string } {
  const from = sk.lastIndexOf('#')
  const split = 2 + SORTABLE_LENGTH + 1
  return {
    bucketEnd: unsortable(sk.slice(2, 2 + SORTABLE_LENGTH)),
    split: sk.slice(split, from),
    from: sk.slice(from + 1),
  }
}
