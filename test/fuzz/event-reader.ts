import { type UserRecord, userRecords } from './kpl-reader.js'

type Payload = Buffer | string | null

/**
 * What a plain reading of an event finds in a split: payloads as bytes, text, or null where there is none, and the
 * highest place in the log.
 */
export interface SplitRecords {
  readonly payloads: Payload[]
  highest: bigint
}

/** By split, `source/split`. */
export type EventRecords = ReadonlyMap<string, SplitRecords>

/** Reads an event that is known to be sound, in the plainest way and with nothing of lib/. */
export function recordsOf(event: any, sourceOf: (origin: string) => string): EventRecords {
  const found = new Map<string, SplitRecords>()
  const add = (origin: string, split: string, place: string | number, ...payloads: Payload[]): void => {
    const name = `${sourceOf(origin)}/${split}`
    const before = found.get(name) ?? { payloads: [], highest: -1n }
    found.set(name, before)
    before.payloads.push(...payloads)
    if (BigInt(place) > before.highest) before.highest = BigInt(place)
  }
  if (event.eventSource === 'millrace:file') {
    for (const { split, offset, data } of event.records) add(event.source, split, offset, data)
  } else if (event.eventSource === 'aws:kafka' || event.eventSource === 'SelfManagedKafka') {
    for (const [split, records] of Object.entries<any>(event.records)) {
      const topic = split.slice(0, split.lastIndexOf('-'))
      for (const { offset, value } of records)
        add(topic, split, offset, value === undefined || value === null ? null : Buffer.from(value, 'base64'))
    }
  } else {
    for (const { eventID, eventSourceARN, kinesis } of event.Records) {
      const data = Buffer.from(kinesis.data, 'base64')
      const users: readonly UserRecord[] | null | undefined = userRecords(data)
      const split = event.shardId ?? eventID.split(':')[0]
      const payloads = users ? users.map((user) => user.data) : [data]
      add(eventSourceARN.split('/')[1], split, kinesis.sequenceNumber, ...payloads)
    }
  }
  return found
}
