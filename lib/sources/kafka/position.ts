import type { Position } from '../../ports/index.js'

/** The position of a record: offsets have at most 19 digits. */
export function positionOfOffset(offset: number): Position {
  return String(offset).padStart(20, '0')
}

/**
 * The offset after a position: the next record that is wanted. A position within a record of many values has its
 * record's.
 */
export function offsetAfter(position: Position): number {
  return position === '0' ? 0 : Number.parseInt(position, 10) + 1
}

/** The split of a partition, as Lambda names it. */
export function splitOf(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** The partition of a split, or undefined where it is none of the topic's. */
export function partitionOf(topic: string, split: string): number | undefined {
  const digits = split.startsWith(`${topic}-`) ? split.slice(topic.length + 1) : ''
  return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined
}
