import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordsCommand,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { judgeCode } from '../../aws/failure.js'
import { answered, RETRY_BUDGET, Retries } from '../../aws/retry.js'
import { MillraceError } from '../../base/index.js'
import type { Outgoing, Sender } from './sender.js'
import type { LiveSource } from './sources.js'

const ARN = /^arn:[^:]+:kinesis:([^:]+):/
const ACTIVE_MS_MAX = 60_000
const LOOK_MS = 200

/** Sends to a stream. Records without a key are distributed over the shards. */
export async function kinesisSender(
  { stream, endpoint, region }: Extract<LiveSource, { kind: 'kinesis' }>,
  create: number | undefined,
): Promise<Sender> {
  const [, arnRegion] = ARN.exec(stream) ?? []
  const client = new KinesisClient({
    ...(endpoint !== undefined && { endpoint }),
    ...((arnRegion ?? region) !== undefined && { region: (arnRegion ?? region)! }),
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ connectionTimeout: 2_000, requestTimeout: 10_000 }),
  })
  const what = `The stream "${stream}"`
  const where = `at ${endpoint ?? process.env.AWS_ENDPOINT_URL_KINESIS ?? region ?? process.env.AWS_REGION ?? 'AWS'}`
  const named = arnRegion === undefined ? { StreamName: stream } : { StreamARN: stream }
  const call = async <R>(doing: string, work: () => Promise<R>): Promise<R> => await answered(doing, what, where, work)
  const status = async (): Promise<string | undefined> =>
    (await client.send(new DescribeStreamSummaryCommand(named))).StreamDescriptionSummary?.StreamStatus
  if (create !== undefined && arnRegion === undefined) {
    await call('Creating', async () => {
      try {
        await client.send(new CreateStreamCommand({ StreamName: stream, ShardCount: create }))
      } catch (error) {
        if (!(error instanceof ResourceInUseException)) throw error
      }
    })
  }
  const until = performance.now() + ACTIVE_MS_MAX
  while ((await call('Describing', () => activeOr(status, create !== undefined))) !== 'ACTIVE') {
    if (performance.now() > until) throw new MillraceError('slow-stream', `${what} is not active after 60 s.`)
    await sleep(LOOK_MS)
  }
  let unkeyed = 0
  return {
    async send(records: readonly Outgoing[]) {
      let waiting = records.map(({ key, line }) => ({
        Data: Buffer.from(line ?? ''),
        PartitionKey: key === null || key.length === 0 ? String(unkeyed++) : String(key),
      }))
      const retries = new Retries(`A write to ${what}`, RETRY_BUDGET)
      while (waiting.length > 0) {
        const { Records } = await call('A write to', () =>
          client.send(new PutRecordsCommand({ ...named, Records: waiting })),
        )
        const failed = waiting.filter((_, i) => Records![i]!.ErrorCode !== undefined)
        const code = Records!.find(({ ErrorCode }) => ErrorCode !== undefined)?.ErrorCode
        if (code !== undefined) await retries.pause(judgeCode(code) === 'refused' ? 'unknown' : 'throttled', code)
        waiting = failed
      }
    },
    async close() {
      client.destroy()
    },
  }
}

/** A stream that was just created may not be visible yet. */
async function activeOr(status: () => Promise<string | undefined>, isNew: boolean): Promise<string | undefined> {
  try {
    return await status()
  } catch (error) {
    if (isNew && error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}
