import type { LetterBytes, LetterRecord, Rejected } from '../../pipeline/index.js'
import type { SourceNode } from '../../ports/index.js'
import type { Outgoing } from '../live/sender.js'

/** A dead letter as it is kept. */
export interface DeadLetter extends Rejected {
  readonly id: string
  /** Where it is: an item's key, or an object's name. */
  readonly place: string
  /** Of a local run: where its record is. */
  readonly file?: string
  readonly line?: number
}

/** Where dead letters are kept. */
export interface DeadLetters {
  /** All that are there when it begins, each once: a look by hand. */
  all(): AsyncGenerator<DeadLetter>
  /**
   * Removes letters that `all` gave. What is kept together with others goes once the last of these has been looked at.
   */
  remove(letters: readonly DeadLetter[]): Promise<void>
  /** Removes what waits for that still, when `all` has ended or was left. */
  finish(): Promise<void>
  close(): void
}

/** Letters of rows that came of a record, or of many: they are no records of a source. */
const ROWS = new Set(['sink-refused', 'expired'])

/**
 * Why a letter is left where it is: what cannot be sent as it came is not sent at all. Undefined where it can be.
 * `asked` is the one reason that is asked for. `node` is the letter's source, where that is known.
 */
export function staysAs(letter: DeadLetter, asked?: string, node?: SourceNode<any>): string | undefined {
  const { reason, record, refused } = letter
  if (ROWS.has(reason) || letter.operator !== undefined) return 'it is a row, and no record of a source'
  if (reason === 'skipped' && asked !== 'skipped') return 'it ended the process: --reason skipped sends it'
  if (record === undefined) {
    if (refused !== undefined) return 'its record was too large to be kept where the letter is'
    return 'its record was not kept: its bytes could not be read, or are too many, or an older version wrote the letter'
  }
  if (record.headers !== undefined && headersOf(record.headers) === undefined)
    return 'it has headers that the Kafka client cannot write as they were: one without a value, or names in a mixed order'
  if (node === undefined) return undefined
  if (record.part && (typeof node.decode !== 'object' || node.decode.codec !== 'ndjson'))
    return 'it is one value of a record of many, whose others have counted'
  const isKinesis = record.partitionKey !== undefined
  if (isKinesis !== (node.connector === 'kinesis')) return 'its source was of another kind'
  return undefined
}

/** The record of a letter that does not stay. */
export function outgoingOf({ record }: DeadLetter): Outgoing {
  const { value, key, headers, timestamp, partitionKey } = record!
  return {
    key: partitionKey ?? (key === undefined ? null : bytesOf(key)),
    line: value === null ? null : bytesOf(value),
    ...(headers && { headers: headersOf(headers)! }),
    ...(timestamp !== undefined && { timestamp }),
  }
}

/** The bytes of its record, about. */
export function sizeOf({ record }: DeadLetter): number {
  const { value, key, headers = [], partitionKey = '' } = record!
  const parts = [value, key, partitionKey, ...headers.flat()]
  return parts.reduce<number>((sum, part) => sum + (part == null ? 0 : bytesOf(part).length), 0)
}

const bytesOf = (bytes: LetterBytes): Buffer =>
  typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.base64, 'base64')

/**
 * Headers as kafkajs takes them: an object, with a list where a name comes more than once. Undefined where it would
 * write others: it has no header without a value, and writes those of one name one after the other, and whole numbers
 * first.
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
