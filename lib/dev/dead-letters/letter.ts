import type { Rejected } from '../../pipeline/index.js'

/** A dead letter as it is kept. */
export interface DeadLetter extends Rejected {
  readonly id: string
  /** Where it is: an item's key, or an object's name. */
  readonly place: string
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

/** Reasons whose payload is the record's own text, as no value could be made of it. */
const AS_TEXT = new Set(['bad-json', 'deep-nesting', 'forbidden-key', 'oversize', 'skipped'])
/** Reasons that nothing can be sent again for: the record's bytes are no text, or it has none; or the letter is no record of a source, but a row that came of one. */
const NEVER = new Set([
  'bad-utf8',
  'bad-base64',
  'bad-aggregate',
  'oversize-aggregate',
  'tombstone',
  'sink-refused',
  'expired',
])

/** Reasons of records that are text or not: the letter says which. */
const IF_TEXT = new Set(['bad-gzip', 'oversize-gzip', 'bad-envelope', 'decode-threw', 'too-many-values'])

/** Whether its record can be sent again as it came. What killed the process may do so again: only whoever asks for it gets it. */
export function isResendable({ reason, payload, records, isText }: DeadLetter, asked?: string): boolean {
  // A letter of many records holds their aggregate as it came, which is no text of one.
  if (payload === undefined || payload === null || records !== undefined || NEVER.has(reason)) return false
  if (IF_TEXT.has(reason) && isText !== true) return false
  return reason !== 'skipped' || asked === 'skipped'
}

/** The record's own text. */
export function lineOf({ reason, payload, isText }: DeadLetter): string {
  return typeof payload === 'string' && (isText === true || AS_TEXT.has(reason)) ? payload : JSON.stringify(payload)
}
