import { statSync } from 'node:fs'
import { load } from '../../aws/load.js'
import { ConfigError } from '../../base/index.js'
import { type Pipeline, plan } from '../../pipeline/index.js'
import type { SourceNode } from '../../ports/index.js'
import { kafkaConnection } from '../../sources/kafka/binding.js'
import { keyReader, payloadOf } from '../input/key-of.js'
import { checkInput, linesOf } from '../input/lines.js'
import type { Outgoing, Sender } from './sender.js'
import { type LiveBindings, type LiveSource, liveSources } from './sources.js'

export interface SendOptions extends LiveBindings {
  /** The files of each source, by its name. Sources without files are ignored. */
  readonly inputs: Readonly<Record<string, readonly string[]>>
  /** Creates missing streams and topics, with this many shards or partitions. */
  readonly create?: number
  /** Records per second for each source; default: no limit. */
  readonly rate?: number
  /** How many records are sent, and the share of the files that this is, from 0 to 1. */
  readonly onProgress?: (sent: number, share: number) => void
  readonly signal?: AbortSignal
}

/** Kinesis accepts 500 records and 5 MB per request; Kafka accepts 1 MB per partition by default. */
const SEND_RECORDS = 500
export const SEND_BYTES = 900_000
/** Bytes of a record besides its line; a generous estimate. */
export const OVERHEAD_BYTES = 300

/**
 * Sends the lines of files to the live streams and topics of a pipeline's sources, in order, under the keys that
 * producers would use. Delivery is at least once: a request that failed without an answer is sent again.
 * @throws {ConfigError} if the pipeline does not have a source, or if something does not exist or cannot be reached
 */
export async function send(pipeline: Pipeline, options: SendOptions): Promise<Readonly<Record<string, number>>> {
  const { sources } = plan(pipeline)
  for (const [name, files] of Object.entries(options.inputs)) {
    for (const file of files) checkInput(file)
    if (sources.some((source) => source.name === name)) continue
    throw new ConfigError(
      'unknown-source',
      `--input names the source "${name}"; the sources of pipeline "${pipeline.name}" are ${sources.map((source) => source.name).join(', ')}.`,
    )
  }
  const live = liveSources(pipeline, options).filter(({ name }) => options.inputs[name] !== undefined)
  if (live.length === 0) throw new ConfigError('no-input', 'There is nothing to send. Add --input SOURCE=FILE.')
  const sent: Record<string, number> = {}
  const bytes = live.flatMap(({ name }) => options.inputs[name]!).reduce((sum, file) => sum + statSync(file).size, 0)
  const read = new Map<string, number>()
  const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0)
  const report = (): void =>
    options.onProgress?.(sum(Object.values(sent)), bytes === 0 ? 1 : sum(read.values()) / bytes)
  const senders: Sender[] = []
  try {
    // All senders are opened first, so that a missing stream or topic is reported before anything is sent.
    for (const source of live) senders.push(await openSender(source, options.create))
    await Promise.all(
      live.map(async (source, i) => {
        sent[source.name] = 0
        const node = sources.find(({ name }) => name === source.name)!
        const onRead = (file: string, count: number) => read.set(`${node.name} ${file}`, count)
        for await (const records of batches(node, options, onRead)) {
          await senders[i]!.send(records)
          sent[source.name]! += records.length
          report()
        }
      }),
    )
  } finally {
    for (const sender of senders) await sender.close()
  }
  return sent
}

/** Opens a stream or topic to send to, and creates it first if `create` is given. */
export async function openSender(source: LiveSource, create: number | undefined): Promise<Sender> {
  if (create !== undefined && (create < 1 || create > 1_000))
    throw new ConfigError(
      'bad-create',
      `--create must be a number of shards or partitions from 1 to 1000; it is ${create}.`,
    )
  if (source.kind === 'kinesis') {
    const packages = '@aws-sdk/client-kinesis @smithy/node-http-handler'
    const { kinesisSender } = await load('Sending to Kinesis', packages, () => import('./kinesis-sender.js'))
    return await kinesisSender(source, create)
  }
  const connection = await kafkaConnection(source.binding)
  const { kafkaSender } = await load('Sending to Kafka', 'kafkajs', () => import('./kafka-sender.js'))
  return await kafkaSender(source.binding.topic, connection, create)
}

async function* batches(
  source: SourceNode<any>,
  options: SendOptions,
  onRead: (file: string, bytes: number) => void,
): AsyncGenerator<Outgoing[]> {
  const started = performance.now()
  const keyOf = keyReader(source)
  let count = 0
  let batch: Outgoing[] = []
  let bytes = 0
  const most = Math.min(SEND_RECORDS, Math.max(1, Math.ceil((options.rate ?? SEND_RECORDS * 10) / 10)))
  for (const file of options.inputs[source.name]!) {
    for await (const read of linesOf(file, undefined, (bytes) => onRead(file, bytes))) {
      const line = payloadOf(source, read)
      if (options.signal?.aborted) return
      const more = Buffer.byteLength(line) + OVERHEAD_BYTES
      if (bytes + more > SEND_BYTES && batch.length > 0) {
        yield batch
        count += batch.length
        batch = []
        bytes = 0
      }
      batch.push({ key: keyOf(line), line })
      bytes += more
      if (batch.length < most) continue
      yield batch
      count += batch.length
      batch = []
      bytes = 0
      if (options.rate === undefined) continue
      const early = (count / options.rate) * 1000 - (performance.now() - started)
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    }
  }
  if (batch.length > 0) yield batch
}
