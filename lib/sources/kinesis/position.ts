import type { Position } from '../../ports/index.js'

/** The position of a record. It begins with the number of digits, so that byte order equals numeric order. */
export function positionOfSequence(digits: string): Position {
  return `${String(digits.length).padStart(3, '0')}:${digits}`
}

/** The sequence number of a position. A position within a KPL aggregate has the number of its Kinesis record. */
export function sequenceOfPosition(position: Position): string {
  return position.split(':')[1]!
}
