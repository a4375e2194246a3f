import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { freePort, startDaemon } from '../../../lib/dev/services/daemon.js'

const STATUS_MS = 20

/** A producer's and an administrator's hands on a local Kinesis, for tests. */
export class KinesisTools {
  readonly client: KinesisClient

  constructor(endpoint: string, region = 'eu-west-1') {
    this.client = new KinesisClient({ endpoint, region, requestHandler: new NodeHttpHandler() })
  }

  async create(stream: string, shards = 1): Promise<void> {
    await this.client.send(new CreateStreamCommand({ StreamName: stream, ShardCount: shards }))
    await this.isActive(stream)
  }

  async delete(stream: string): Promise<void> {
    await this.client.send(new DeleteStreamCommand({ StreamName: stream }))
    while (await this.status(stream).catch(() => undefined)) await pause(STATUS_MS)
  }

  /** The sequence number of a record that was just put. */
  async put(stream: string, data: string, key = data): Promise<{ readonly shard: string; readonly sequence: string }> {
    const answer = await this.client.send(
      new PutRecordCommand({ StreamName: stream, PartitionKey: key, Data: Buffer.from(data) }),
    )
    return { shard: answer.ShardId!, sequence: answer.SequenceNumber! }
  }

  async putAll(stream: string, lines: readonly string[], keyOf = (line: string) => line): Promise<void> {
    for (let at = 0; at < lines.length; at += 500) {
      const Records = lines.slice(at, at + 500).map((line) => ({ Data: Buffer.from(line), PartitionKey: keyOf(line) }))
      await this.client.send(new PutRecordsCommand({ StreamName: stream, Records }))
    }
  }

  async split(stream: string, shard: string): Promise<void> {
    const { Shards } = await this.client.send(new ListShardsCommand({ StreamName: stream }))
    const { StartingHashKey, EndingHashKey } = Shards!.find(({ ShardId }) => ShardId === shard)!.HashKeyRange!
    const middle = (BigInt(StartingHashKey!) + BigInt(EndingHashKey!)) / 2n
    await this.client.send(
      new SplitShardCommand({ StreamName: stream, ShardToSplit: shard, NewStartingHashKey: String(middle) }),
    )
    await this.isActive(stream)
  }

  async merge(stream: string, left: string, right: string): Promise<void> {
    await this.client.send(
      new MergeShardsCommand({ StreamName: stream, ShardToMerge: left, AdjacentShardToMerge: right }),
    )
    await this.isActive(stream)
  }

  /** Where the numbers of a shard begin, before its first record. */
  async start(stream: string, shard: string): Promise<string> {
    const { Shards } = await this.client.send(new ListShardsCommand({ StreamName: stream }))
    return Shards!.find(({ ShardId }) => ShardId === shard)!.SequenceNumberRange!.StartingSequenceNumber!
  }

  /** The ids of all shards, closed ones too. */
  async shards(stream: string): Promise<string[]> {
    const { Shards } = await this.client.send(new ListShardsCommand({ StreamName: stream }))
    return Shards!.map(({ ShardId }) => ShardId!)
  }

  /** A hash key of every shard that still takes records. */
  async openHashKeys(stream: string): Promise<string[]> {
    const { Shards } = await this.client.send(new ListShardsCommand({ StreamName: stream }))
    const open = Shards!.filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined)
    return open.map(({ HashKeyRange }) => HashKeyRange!.StartingHashKey!)
  }

  async isActive(stream: string): Promise<void> {
    while ((await this.status(stream)) !== 'ACTIVE') await pause(STATUS_MS)
  }

  private async status(stream: string): Promise<string | undefined> {
    const answer = await this.client.send(new DescribeStreamSummaryCommand({ StreamName: stream }))
    return answer.StreamDescriptionSummary?.StreamStatus
  }
}

export const shardId = (index: number): string => `shardId-${String(index).padStart(12, '0')}`

/** The position of a sequence number, written here anew. */
export const positionAt = (sequence: string): string => `${String(sequence.length).padStart(3, '0')}:${sequence}`

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const SHIFTED = `
const { readFileSync } = require('node:fs')
const { now } = Date
Date.now = () => now() + Number(readFileSync(process.argv[2], 'utf8'))
const waits = { createStreamMs: 10, updateStreamMs: 10, deleteStreamMs: 10 }
require(process.env.KINESALITE)(waits).listen(Number(process.argv[1]), '127.0.0.1', () => console.log('ready'))
`

/** kinesalite under a clock that a test moves, since it deletes records by their age. */
export async function startShiftedKinesis(folder: string) {
  const port = await freePort()
  const file = join(folder, 'shift')
  let shiftMs = 0
  writeFileSync(file, '0')
  const daemon = await startDaemon({
    name: 'kinesalite',
    command: [process.execPath, '-e', SHIFTED, String(port), file],
    env: { KINESALITE: createRequire(import.meta.url).resolve('kinesalite') },
    logFile: join(folder, 'shifted.log'),
    ready: /^ready/m,
    detached: false,
  })
  return {
    endpoint: `http://127.0.0.1:${port}`,
    clock: { now: () => Date.now() + shiftMs },
    shift(ms: number): void {
      shiftMs += ms
      writeFileSync(file, String(shiftMs))
    },
    stop: () => daemon.stop(),
  }
}
