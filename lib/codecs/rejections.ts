import {
  AssertionFault,
  BIGINT_DIGITS_MAX,
  DECODED_BYTES_MAX,
  JSON_DEPTH_MAX,
  RECORD_VALUES_MAX,
  RecordRejection,
  UNIT_RECORDS_MAX,
} from '../base/index.js'
import { Defect, type NumberPolicy } from '../ports/index.js'
import { seenIn, wrongByte } from './seen.js'

/** The reasons why a payload cannot be decoded. Every message states the rule and never quotes the payload. */
export const reject = {
  oversize: (bytes: number, bytesMax: number) =>
    new RecordRejection(
      'oversize',
      `A record has at most ${bytesMax} bytes; this one has ${bytes}. Raise recordBytesMax of its source if it should pass.`,
    ),
  emptyJson: () => new RecordRejection('bad-json', 'A record is one JSON value; this one is empty.'),
  badJson: (bytes: Buffer) =>
    new RecordRejection(
      'bad-json',
      `A record is one JSON value; ${seenIn(bytes) ?? `the ${bytes.length} bytes of this one are not.`}`,
    ),
  badUtf8: (bytes: Buffer) =>
    new RecordRejection('bad-utf8', `A record is text in UTF-8; ${seenIn(bytes) ?? wrongByte(bytes)}`),
  deepNesting: () =>
    new RecordRejection('deep-nesting', `JSON nests at most ${JSON_DEPTH_MAX} deep; this record goes deeper.`),
  forbiddenKey: () =>
    new RecordRejection('forbidden-key', 'No object of a record has the key "__proto__"; one of this record has.'),
  inexactNumber: (path: string, policy: NumberPolicy) =>
    new RecordRejection(
      'inexact-number',
      policy === 'bigint'
        ? `The number at ${path} is one that a double would change, and it is not a whole number of at most ${BIGINT_DIGITS_MAX} digits. Give the source numbers: 'string' or 'double', or send it as text.`
        : `The number at ${path} is one that a double would change. Give the source numbers: 'bigint', 'string' or 'double', or send it as text.`,
    ),
  duplicateMember: (path: string) =>
    new RecordRejection(
      'duplicate-member',
      `An object has each member once; ${path} occurs twice. Give the source duplicateMembers: 'last' to keep the last.`,
    ),
  manyValues: () =>
    new RecordRejection(
      'too-many-values',
      `A record decodes into at most ${RECORD_VALUES_MAX} values; this one has more. Have its producer send smaller records.`,
    ),
  notGzip: (bytes: Buffer) =>
    new RecordRejection(
      'bad-gzip',
      `A record of this source is gzip data; the ${bytes.length} bytes of this one do not begin with 1f 8b. Have all its producers send gzip data, or correct decode.`,
    ),
  badGzip: (bytes: Buffer) =>
    new RecordRejection(
      'bad-gzip',
      `A record of this source is gzip data; the ${bytes.length} bytes of this one begin like it, but are cut off or damaged. Have its producer send it whole.`,
    ),
  oversizeGzip: () =>
    new RecordRejection(
      'oversize-gzip',
      `A record decompresses to at most ${DECODED_BYTES_MAX} bytes; this one is larger. Have its producer send smaller records.`,
    ),
  badEnvelope: () =>
    new RecordRejection(
      'bad-envelope',
      'A record of CloudWatch Logs is a DATA_MESSAGE with logEvents or a CONTROL_MESSAGE; this one is neither. Correct decode if the stream is not the target of a log group subscription.',
    ),
  decodeThrew: (sentence: string) => new RecordRejection('decode-threw', sentence),
  /** The rejection for a record that its batch cannot write. */
  defect: (defect: number): RecordRejection => {
    switch (defect) {
      case Defect.tombstone:
        return new RecordRejection('tombstone', 'A record has a value; this one has a null value (a Kafka tombstone).')
      case Defect.badBase64:
        return new RecordRejection('bad-base64', "A record's data is padded base64; this one's is not.")
      case Defect.badAggregate:
        return new RecordRejection(
          'bad-aggregate',
          'A KPL aggregate has a correct checksum and at least one complete user record; this one does not.',
        )
      case Defect.manyRecords:
        return new RecordRejection(
          'oversize-aggregate',
          `A KPL aggregate holds at most ${UNIT_RECORDS_MAX} user records; this one holds more. Lower AggregationMaxCount of its producer.`,
        )
      case Defect.notText:
        return new RecordRejection('bad-utf8', 'A record is text in UTF-8; this one has half a surrogate pair.')
      default:
        throw new AssertionFault(`a batch writes bytes or a known defect, not ${defect}`)
    }
  },
}
