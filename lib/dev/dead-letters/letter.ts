import type { LetterBytes, LetterRecord, Rejected } from '../../pipeline/index.js'
import type { SourceNode } from '../../ports/index.js'
import type { Outgoing } from '../live/sender.js'

/** A dead letter as it is stored. */
export interface DeadLetter extends Rejected {
  readonly id: string
  /** Where it is stored: an item's key, or an object's name. */
  readonly place: string
  /** For a local run: the file that holds the record. */
  readonly file?: string
  readonly line?: number
}

/** A store of dead letters. */
export interface DeadLetters {
  /** Yields all dead letters that exist when it begins, each once. Meant for a command that an operator runs. */
  all(): AsyncGenerator<DeadLetter>
  /**
   * Removes dead letters that `all` has yielded. Those stored together with others are removed after the last of these
   * has been yielded.
   */
  remove(letters: readonly DeadLetter[]): Promise<void>
  /** Performs the removals that are still pending, after `all` has ended or was abandoned. */
  finish(): Promise<void>
  close(): void
}

/** Reasons of dead letters that hold a row derived from one or more records, and not a record of a source. */
const ROWS = new Set(['sink-refused', 'expired'])

/**
 * Why a dead letter is left in place; undefined if its record can be sent. A record that cannot be sent unchanged is
 * not sent. `asked` is the only reason that the user asked for, if any. `node` is the source of the dead letter, if it
 * is known.
 */
export function staysAs(letter: DeadLetter, asked?: string, node?: SourceNode<any>): string | undefined {
  const { reason, record, refused } = letter
  if (ROWS.has(reason) || letter.operator !== undefined) return 'it is a row, not a record of a source'
  if (reason === 'skipped' && asked !== 'skipped') return 'it killed the process: use --reason skipped to send it'
  if (record === undefined) {
    if (refused !== undefined) return 'its record was too large to be stored with the dead letter'
    return 'its record was not stored: its bytes could not be read or were too many, or an older version wrote the dead letter'
  }
  if (record.headers !== undefined && headersOf(record.headers) === undefined)
    return 'the Kafka client cannot write its headers unchanged: one has no value, or their names are interleaved'
  if (node === undefined) return undefined
  if (record.part && (typeof node.decode !== 'object' || node.decode.codec !== 'ndjson'))
    return 'it is one of several values of a record, and the other values were counted'
  const isKinesis = record.partitionKey !== undefined
  if (isKinesis !== (node.connector === 'kinesis')) return 'its source had another connector'
  return undefined
}

/** The record of a dead letter that can be sent. */
export function outgoingOf({ record }: DeadLetter): Outgoing {
  const { value, key, headers, timestamp, partitionKey } = record!
  return {
    key: partitionKey ?? (key === undefined ? null : bytesOf(key)),
    line: value === null ? null : bytesOf(value),
    ...(headers && { headers: headersOf(headers)! }),
    ...(timestamp !== undefined && { timestamp }),
  }
}

/** The approximate number of bytes of its record. */
export function sizeOf({ record }: DeadLetter): number {
  const { value, key, headers = [], partitionKey = '' } = record!
  const parts = [value, key, partitionKey, ...headers.flat()]
  return parts.reduce<number>((sum, part) => sum + (part == null ? 0 : bytesOf(part).length), 0)
}

const bytesOf = (bytes: LetterBytes): Buffer =>
  typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.base64, 'base64')

/**
 * Headers in the form of kafkajs: an object, with a list for a name that occurs more than once. Undefined if kafkajs
 * would write different headers: it supports no header without a value, it groups the headers of one name, and it
 * writes integer names first.
 */
function headersOf(headers: NonNullable<LetterRecord['headers']>): Record<string, Buffer | Buffer[]> | undefined {
  const lists: Record<string, Buffer[]> = Object.create(null)
  for (const [name, value] of headers) {
    if (value === null) return undefined
    lists[name] ??= []
    lists[name].push(bytesOf(value))
  }
  const names = Object.entries(lists).flatMap(([name, values]) => values.map(() => name))
  return names.every((name, i) => name === headers[i]![0]) ? lists : undefined
}
