import { hash32, hex8 } from '../../lib/base/index.js'
import type { SinkBatch } from '../../lib/ports/index.js'
import { Random } from '../../lib/testing/random.js'
import { part, range } from './conformance.js'

const SPLITS = ['s/a', 's/b', 's/c']
const RECORDS = 40
const SLICES = 6
const KEYS = Array.from({ length: 60 }, (_, i) => `key ${i}`).sort((a, b) => hash32(a) - hash32(b) || (a < b ? -1 : 1))

/** A record becomes zero to three rows. */
const rowsOf = (split: string) => (index: number) =>
  Array.from({ length: hash32(`${split}${index}`) % 4 }, (_, n) => ({ split, index, n }))

/**
 * The parts of an operator, as an advance divides them: the keys of a slice in the order of their hash, by key group,
 * and then a fixed number of rows in each part.
 */
export function operatorParts(keyGroups: number, rowsMax: number): SinkBatch[] {
  const parts: SinkBatch[] = []
  for (let slice = 0; slice < SLICES; slice++) {
    const group = (key: string): number => Math.floor((hash32(key) / 2 ** 32) * keyGroups)
    for (let keyGroup = 0; keyGroup < keyGroups; keyGroup++) {
      const keys = KEYS.filter((key) => group(key) === keyGroup)
      for (let at = 0; at < keys.length; at += rowsMax) {
        const hash = hash32(keys[at]!)
        const values = keys.slice(at, at + rowsMax).map((key) => ({ slice, key }))
        parts.push(part(`slice${slice}-${hex8(hash)}`, values))
      }
    }
  }
  return parts
}

/** Everything once, in batches whose size depends on the seed, as a restarted process writes it. */
export function attempts(seed: number): SinkBatch[][] {
  const random = new Random(seed)
  const parts = operatorParts(3, 7)
  const all: SinkBatch[][] = []
  while (parts.length > 0) all.push(parts.splice(0, 1 + random.below(4)))
  for (const split of SPLITS) {
    for (let from = 0; from < RECORDS; ) {
      const to = Math.min(RECORDS, from + 1 + random.below(9))
      all.splice(random.below(4) + all.length - 3, 0, [range(split, from, to, rowsOf(split))])
      from = to
    }
  }
  return order(all)
}

/** The ranges of a split ascend, as in its attempts. Everything else keeps its order. */
function order(all: SinkBatch[][]): SinkBatch[][] {
  const ranges = all.filter((batches) => batches[0]?.kind === 'split')
  ranges.sort((a, b) => ((a[0] as { to: string }).to < (b[0] as { to: string }).to ? -1 : 1))
  return all.map((batches) => (batches[0]?.kind === 'split' ? ranges.shift()! : batches))
}

/** A write of one attempt. */
export interface Step {
  /** Which of the sinks on the folder writes, or a new one. */
  readonly sink: number
  readonly batches: readonly SinkBatch[]
}

/**
 * A run with zombies: attempts start from a checkpoint that was once current, and may write long after other attempts
 * have continued. The parts of an operator arrive in any order and any number of times.
 */
export function schedule(seed: number, sinks: number, keyGroups: number, rowsMax: number): Step[] {
  const random = new Random(seed)
  const steps: Step[] = []
  for (const batch of operatorParts(keyGroups, rowsMax)) {
    for (let times = 1 + random.below(3); times > 0; times--)
      steps.splice(random.below(steps.length + 1), 0, { sink: random.below(sinks), batches: [batch] })
  }
  for (const split of SPLITS) {
    const own: Step[] = []
    const checkpoints = [0]
    while (checkpoints[checkpoints.length - 1]! < RECORDS) {
      // Most attempts are the newest. Some are zombies that started from an older checkpoint.
      const back = random.below(3) === 0 ? random.below(Math.min(3, checkpoints.length)) : 0
      const from = checkpoints[checkpoints.length - 1 - back]!
      const to = Math.min(RECORDS, from + 1 + random.below(8))
      own.push({ sink: random.below(sinks), batches: [range(split, from, to, rowsOf(split))] })
      if (back === 0 && random.below(4) > 0) checkpoints.push(to)
    }
    let at = 0
    for (const step of own) {
      at += random.below(Math.max(1, Math.floor((2 * (steps.length - at)) / own.length)))
      steps.splice(Math.min(at++, steps.length), 0, step)
    }
  }
  return steps
}

/** The rows that every run must end with, in order: parts by slice and hash, then rows by position and id. */
export function expected(): unknown[] {
  const rows = SPLITS.flatMap((split) => range(split, 0, RECORDS, rowsOf(split)).rows)
  rows.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : a.id < b.id ? -1 : 1))
  const parts = operatorParts(1, 1_000).flatMap((batch) => batch.rows)
  return [...parts, ...rows].map((row) => row.value)
}
