import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import {
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import kafkajs from 'kafkajs'
import { type Numbered, WINDOW_MS } from './pipeline.js'
import type { World } from './world.js'

/** What the logs hold, read from the brokers themselves: a producer's retry may have put a record there twice. */
export interface Sent {
  /** How often each record's id is in a log. */
  readonly ids: ReadonlyMap<string, number>
  readonly records: ReadonlyMap<string, Numbered>
  readonly poison: number
  readonly total: number
}

/** What became of them. */
export interface Outcome {
  readonly counted: number
  /** Of those counted, in panes after the window's end. */
  readonly latePanes: number
  readonly expired: number
  readonly dead: number
  readonly lost: readonly string[]
  readonly doubled: readonly string[]
  /** In an item of another key or window than their own. */
  readonly misplaced: readonly string[]
}

const ID = /"id":"([^"]+)"/

export async function readLogs(world: World): Promise<Sent> {
  const lines = [...(await readTopic(world)), ...(await readStream(world))]
  const ids = new Map<string, number>()
  const records = new Map<string, Numbered>()
  let poison = 0
  for (const line of lines) {
    const id = ID.exec(line)![1]!
    ids.set(id, (ids.get(id) ?? 0) + 1)
    if (line.endsWith('broken')) poison++
    else records.set(id, JSON.parse(line) as Numbered)
  }
  return { ids, records, poison, total: lines.length }
}

/** By another way than the pollers' own: a consumer group of its own, from the beginning. */
async function readTopic(world: World): Promise<string[]> {
  const kafka = new kafkajs.Kafka({ brokers: [world.kafka.endpoint], logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets('kill-clicks')
  await admin.disconnect()
  const left = new Set(offsets.filter(({ high }) => high !== '0').map(({ partition }) => partition))
  const lines: string[] = []
  const consumer = kafka.consumer({ groupId: `audit-${Date.now()}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'kill-clicks', fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    if (left.size === 0) resolve()
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) lines.push(value!.toString())
          const { high } = offsets.find(({ partition }) => partition === batch.partition)!
          if (BigInt(batch.lastOffset()) + 1n >= BigInt(high)) left.delete(batch.partition)
          if (left.size === 0) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return lines
}

async function readStream(world: World): Promise<string[]> {
  const client = new KinesisClient({ endpoint: world.kinesis.endpoint, requestHandler: new NodeHttpHandler() })
  const StreamName = 'kill-views'
  const lines: string[] = []
  const { Shards } = await client.send(new ListShardsCommand({ StreamName }))
  for (const { ShardId } of Shards!) {
    const first = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const
    let { ShardIterator: next } = await client.send(new GetShardIteratorCommand(first))
    while (next !== undefined) {
      const read: GetRecordsCommandOutput = await client.send(new GetRecordsCommand({ ShardIterator: next }))
      for (const { Data } of read.Records!) lines.push(Buffer.from(Data!).toString())
      next = read.Records!.length === 0 && read.MillisBehindLatest === 0 ? undefined : read.NextShardIterator
    }
  }
  client.destroy()
  return lines
}

/** Reads the tables of results and compares them with the logs, record by record. */
export async function audit(world: World, sent: Sent): Promise<Outcome> {
  const client = new DynamoDBClient({ endpoint: world.dynamodb.endpoint })
  const found = new Map<string, number>()
  const see = (id: string): void => void found.set(id, (found.get(id) ?? 0) + 1)
  const misplaced: string[] = []
  let counted = 0
  let latePanes = 0
  for await (const item of items(client, 'kill-results')) {
    const start = Date.parse(item.windowStart.S)
    if (item.timing.S === 'late') latePanes++
    for (const { S: id } of item.ids.L) {
      counted++
      see(id)
      const record = sent.records.get(id)
      if (record?.key !== item.pk.S || record!.at < start || record!.at >= start + WINDOW_MS) misplaced.push(id)
    }
  }
  let expired = 0
  for await (const item of items(client, 'kill-late')) {
    expired++
    see(item.payload.M.id.S)
  }
  let dead = 0
  for await (const item of items(client, 'kill-dead')) {
    dead++
    see(ID.exec(item.payload.S)![1]!)
  }
  client.destroy()
  const lost: string[] = []
  const doubled: string[] = []
  for (const id of new Set([...sent.ids.keys(), ...found.keys()])) {
    const there = sent.ids.get(id) ?? 0
    const here = found.get(id) ?? 0
    if (here < there) lost.push(id)
    if (here > there) doubled.push(id)
  }
  return { counted, latePanes, expired, dead, lost, doubled, misplaced }
}

async function* items(client: DynamoDBClient, TableName: string): AsyncGenerator<any> {
  for await (const page of paginateScan({ client }, { TableName, ConsistentRead: true })) yield* page.Items ?? []
}
