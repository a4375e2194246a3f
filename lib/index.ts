export {
  type Aggregate,
  avg,
  bitAnd,
  bitOr,
  bitXor,
  type CustomAggregate,
  collect,
  correlation,
  count,
  covariance,
  custom,
  type DecimalOptions,
  distinctCount,
  every,
  first,
  type Json,
  type Line,
  last,
  max,
  maxBy,
  median,
  min,
  minBy,
  mode,
  type PercentileOptions,
  type Place,
  percentile,
  regression,
  type SpreadOptions,
  some,
  stddev,
  stringJoin,
  struct,
  sum,
  sumDecimal,
  type TopOptions,
  topN,
  variance,
  where,
} from './aggregate/index.js'
export {
  ConfigError,
  type Duration,
  duration,
  hex,
  type Key,
  MillraceError,
  RecordRejection,
  RetryableError,
  StopError,
} from './base/index.js'
export { bytes, type CloudWatchLogEvent, cloudWatchLogs, gzip, json, text } from './codecs/index.js'
export { ndjson } from './ndjson.js'
export {
  type Accumulation,
  describe,
  fingerprint,
  type LetterBytes,
  type LetterRecord,
  type Manifest,
  manifest,
  type Pane,
  type Pipeline,
  type PipelineOptions,
  pipeline,
  plan,
  type Rejected,
  type Stream,
  type WindowOptions,
  type WindowResult,
} from './pipeline/index.js'
export type {
  Codec,
  DecodeFunction,
  MemberPolicy,
  NumberPolicy,
  RecordMeta,
  SinkNode,
  SinkRow,
  SourceNode,
  StandardSchema,
  WatermarkStrategy,
} from './ports/index.js'
export { callback } from './sinks/callback/index.js'
export { consoleSink } from './sinks/console/index.js'
export { type DynamoDBTableOptions, dynamodbTable } from './sinks/dynamodb/index.js'
export { fileSource } from './sources/file/index.js'
export { kafkaSource } from './sources/kafka/index.js'
export { kinesisSource } from './sources/kinesis/index.js'
export type { SourceOptions } from './sources/node.js'
export {
  customWatermark,
  epochMicros,
  epochMillis,
  epochNanos,
  epochSeconds,
  iso,
  isoUtc,
  monotonous,
  outOfOrder,
} from './time/index.js'
export { cumulate, hopping, tumbling, type WindowSpec } from './window/index.js'
