import type { Position } from '../../ports/index.js'

/** The position of a record: the count of digits first makes the order of bytes the order of numbers. */
export function positionOfSequence(digits: string): Position {
  return `${String(digits.length).padStart(3, '0')}:${digits}`
}

/** The sequence number of a position. A position within a KPL aggregate has its record's. */
export function sequenceOfPosition(position: Position): string {
  return position.split(':')[1]!
}
