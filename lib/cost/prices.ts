/**
 * List prices, us-east-1, on demand, US dollars, without free tiers, discounts and tax. DynamoDB's, Lambda's and
 * Kinesis's as read on 2026-10-01 from their public price pages (aws.amazon.com/SERVICE/pricing); Managed Flink's by
 * the example in its developer guide; those of CloudWatch, MSK, EC2 and event pollers as others publish them: look
 * them up before you sign anything.
 */
export const PRICES = {
  asOf: '2026-10-01',
  region: 'us-east-1',
  /** DynamoDB, on demand. */
  writeUnit: 0.625 / 1e6,
  readUnit: 0.125 / 1e6,
  /** DynamoDB, a month: storage, and point-in-time recovery beside it. */
  tableGb: 0.25,
  recoveryGb: 0.2,
  /** Lambda on ARM. */
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2 / 1e6,
  /** Pollers of a provisioned Kafka mapping, an event poller unit-hour (20 MB/s). */
  pollerHour: 0.185,
  /** Kinesis, on demand: records are billed in whole KB. */
  streamHour: 0.04,
  streamGbIn: 0.08,
  streamGbOut: 0.04,
  /** Kinesis, provisioned: a shard, and a unit of 25 KB that is put. */
  shardHour: 0.015,
  putUnit: 0.014 / 1e6,
  /** CloudWatch. */
  logGb: 0.5,
  metric: 0.3,
  alarm: 0.1,
  dashboard: 3,
  /**
   * Managed Flink: a processing unit-hour, of which each application has one more than it works with; 50 GB of
   * running storage each.
   */
  flinkKpuHour: 0.11,
  flinkStorageGb: 0.1,
  /** MSK's smallest broker, its storage, and a small EC2 instance (t4g.small). */
  brokerHour: 0.0456,
  brokerGb: 0.1,
  instanceHour: 0.0168,
} as const

/** What a function is given: at 1,769 MB it has one whole CPU. */
export const MEMORY_MB = 1_769
export const MEMORY_GB = MEMORY_MB / 1_024
export const MONTH_HOURS = 730
export const MONTH_SECONDS = MONTH_HOURS * 3600
