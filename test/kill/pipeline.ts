import {
  collect,
  count,
  dynamodbTable,
  kafkaSource,
  kinesisSource,
  outOfOrder,
  pipeline,
  tumbling,
} from '../../lib/index.js'

/** One numbered record. */
export interface Numbered {
  readonly id: string
  readonly key: string
  /** When it was made, ms. */
  readonly at: number
}

export const WINDOW_MS = 2_000
/** More than one window of one key can ever hold here. */
const IDS_MAX = 10_000

const options = {
  timestamp: (record: Numbered) => record.at,
  watermark: outOfOrder('1s'),
  partitionKey: (record: Numbered) => record.key,
}

/**
 * Every record's number ends up in the item of its key and window, or in the table of what came too late, or among the
 * dead letters.
 */
export default pipeline(
  'kill',
  { keyGroups: 3, deadLetter: dynamodbTable('kill-dead'), idle: { after: '4s', close: '4s' }, minAdvance: '500ms' },
  (p) =>
    p
      .from(kinesisSource('kill-views', options), kafkaSource('kill-clicks', options))
      .keyBy((record) => record.key)
      .window(tumbling(WINDOW_MS), { allowedLateness: '20s', late: dynamodbTable('kill-late') })
      .aggregate('numbers', { n: count(), ids: collect((record) => record.id, { max: IDS_MAX }) })
      .to(dynamodbTable('kill-results')),
)
