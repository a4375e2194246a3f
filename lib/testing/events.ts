/**
 * Event JSON in the form of Lambda's event source mappings, record by record: for pollers, and for tests of handlers.
 */

const ACCOUNT = '123456789012'

/** The fields of a Kinesis record in an event; `data` is base64. */
export interface KinesisFields {
  readonly split: string
  readonly sequence: string
  readonly partitionKey: string
  readonly data: string
  readonly arrivalMs: number
  readonly region: string
  readonly arn: string
}

export function kinesisRecord(of: KinesisFields): string {
  return `{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":${JSON.stringify(of.partitionKey)},"sequenceNumber":"${of.sequence}","data":"${of.data}","approximateArrivalTimestamp":${of.arrivalMs / 1000}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"${of.split}:${of.sequence}","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::${ACCOUNT}:role/millrace","awsRegion":"${of.region}","eventSourceARN":"${of.arn}"}`
}

export function kinesisEvent(records: readonly string[]): string {
  return `{"Records":[${records.join()}]}`
}

/** The fields of a Kafka record in an event; `key` and `value` are base64. */
export interface KafkaFields {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: 'CREATE_TIME' | 'LOG_APPEND_TIME'
  readonly key: string | null
  readonly value: string | null
  /** The list as JSON. */
  readonly headers: string
}

export function kafkaRecord(of: KafkaFields): string {
  return `{"topic":"${of.topic}","partition":${of.partition},"offset":${of.offset},"timestamp":${of.timestamp},"timestampType":"${of.timestampType}",${of.key === null ? '' : `"key":"${of.key}",`}${of.value === null ? '' : `"value":"${of.value}",`}"headers":${of.headers}}`
}

/** `origin` is the beginning of the event, which names its cluster. */
export function kafkaEvent(
  origin: string,
  groups: readonly (readonly [split: string, records: readonly string[]])[],
): string {
  const records = groups.map(([split, group]) => `${JSON.stringify(split)}:[${group.join()}]`).join()
  return `{${origin},"records":{${records}}}`
}

/** Bytes stand for a line that is not valid text. */
export function fileRecord(split: string, offset: number, data: string | Buffer): string {
  const line = typeof data === 'string' ? JSON.stringify(data) : `"${data.toString('base64')}","encoding":"base64"`
  return `{"split":${JSON.stringify(split)},"offset":${offset},"data":${line}}`
}

export function fileEvent(source: string, records: readonly string[]): string {
  return `{"eventSource":"millrace:file","source":${JSON.stringify(source)},"records":[${records.join()}]}`
}
