import type { Position } from '../../ports/index.js'

/** The position of a record: offsets have at most 19 digits. */
export function positionOfOffset(offset: number): Position {
  return String(offset).padStart(20, '0')
}

/**
 * The offset after a position: the next record to read. A position within a record of many values has the offset of its
 * record.
 */
export function offsetAfter(position: Position): number {
  return position === '0' ? 0 : Number.parseInt(position, 10) + 1
}

/** The name of a partition's split, as Lambda writes it. */
export function splitOf(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** The partition of a split, or undefined if the split does not belong to the topic. */
export function partitionOf(topic: string, split: string): number | undefined {
  const digits = split.startsWith(`${topic}-`) ? split.slice(topic.length + 1) : ''
  return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined
}
