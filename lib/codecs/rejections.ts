import { AssertionFault, JSON_DEPTH_MAX, RecordRejection, UNIT_RECORDS_MAX } from '../base/index.js'
import { Defect } from '../ports/index.js'

/** Why a record's payload is no value. Every message states the rule and never the payload. */
export const reject = {
  oversize: (bytes: number, bytesMax: number) =>
    new RecordRejection(
      'oversize',
      `A record has at most ${bytesMax} bytes; this one has ${bytes}. Raise recordBytesMax of its source if it should pass.`,
    ),
  emptyJson: () => new RecordRejection('bad-json', 'A record is one JSON value; this one is empty.'),
  badJson: (bytes: number) =>
    new RecordRejection('bad-json', `A record is one JSON value; the ${bytes} bytes of this one are not.`),
  badUtf8: (bytes: number) =>
    new RecordRejection('bad-utf8', `A record is text in UTF-8; the ${bytes} bytes of this one are not.`),
  deepNesting: () =>
    new RecordRejection('deep-nesting', `JSON nests at most ${JSON_DEPTH_MAX} deep; this record goes deeper.`),
  forbiddenKey: () =>
    new RecordRejection('forbidden-key', 'No object of a record has the key "__proto__"; one of this record has.'),
  /** What a batch says of a record that it cannot write. */
  defect: (defect: number): RecordRejection => {
    switch (defect) {
      case Defect.tombstone:
        return new RecordRejection('tombstone', 'A record has a value; this one has none (a Kafka tombstone).')
      case Defect.badBase64:
        return new RecordRejection('bad-base64', "A record's data is padded base64; this one's is not.")
      case Defect.badAggregate:
        return new RecordRejection(
          'bad-aggregate',
          'A KPL aggregate has a right checksum and one whole user record or more; this one has not.',
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
