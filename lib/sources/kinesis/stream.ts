import {
  DescribeStreamSummaryCommand,
  type DescribeStreamSummaryCommandOutput,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type GetShardIteratorCommandOutput,
  KinesisClient,
  ListShardsCommand,
  type ListShardsCommandOutput,
  type Shard,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { judgeError, refusal } from '../../aws/failure.js'
import { Retries, type RetryBudget } from '../../aws/retry.js'
import { ConfigError, MillraceError } from '../../base/index.js'
import type { SplitListing } from '../../ports/index.js'
import type { KinesisConnection, KinesisSender } from './connection.js'

const ARN = /^arn:[^:]+:kinesis:([^:]+):[^:]*:stream\/([a-zA-Z0-9_.-]+)$/
const NAME = /^[a-zA-Z0-9_.-]{1,128}$/

const CONNECTION_TIMEOUT_MS = 2_000
/** One try of one call. */
const CALL_MS = 5_000
/**
 * A shard gives five reads a second to all its readers, Lambda's own poller among them: a throttled call waits longer
 * than that.
 */
const BUDGET: RetryBudget = { attemptsMax: 8, totalMs: 6_000 }
/** A stream has at most some 20,000 shards, 1,000 a page. */
const PAGES_MAX = 100

/** Where a shard is read from: its oldest record, at a record, or after one. */
export type ReadFrom =
  | { readonly kind: 'oldest' }
  | { readonly kind: 'at'; readonly sequence: string }
  | { readonly kind: 'after'; readonly sequence: string }

export interface StreamRecord {
  readonly sequence: string
  readonly partitionKey: string
  readonly data: Uint8Array
  readonly arrivalMs: number
}

export interface StreamRead {
  readonly records: readonly StreamRecord[]
  /** Where to read on; undefined at a closed shard's end. */
  readonly next: string | undefined
  /** How far behind the shard's tip the answer ends; undefined where the service does not say. */
  readonly behindMs: number | undefined
}

export interface StreamSummary {
  readonly arn: string
  readonly createdMs: number
  readonly retentionMs: number
}

/** One stream and the few calls that Millrace makes of it, each with bounded retries and a time of its own. */
export class KinesisStream {
  readonly what: string
  private readonly where: string
  private readonly target: { readonly StreamName: string; readonly StreamARN?: string }
  private readonly client: KinesisSender
  private readonly own: KinesisClient | undefined

  constructor(connection: KinesisConnection) {
    const { stream, endpoint } = connection
    const arn = ARN.exec(stream)
    if (arn === null && !NAME.test(stream)) {
      throw new ConfigError(
        'bad-stream',
        `A Kinesis stream is given by its name (letters, digits, '_', '.', '-') or its ARN (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME); this one is ${JSON.stringify(stream)}.`,
      )
    }
    this.target = arn === null ? { StreamName: stream } : { StreamName: arn[2]!, StreamARN: stream }
    const region = connection.region ?? arn?.[1]
    this.what = `The Kinesis stream "${this.target.StreamName}"`
    this.where =
      endpoint !== undefined ? `at ${endpoint}` : `in ${region ?? process.env.AWS_REGION ?? 'the default region'}`
    this.own = connection.client === undefined ? makeClient(region, endpoint) : undefined
    this.client = connection.client ?? this.own!
  }

  /** Every shard that the stream lists, closed ones too. */
  async list(): Promise<SplitListing[]> {
    const listings: SplitListing[] = []
    let token: string | undefined
    for (let page = 0; page < PAGES_MAX; page++) {
      // A token stands for the stream, and may not come with its name.
      const answer = await this.call<ListShardsCommandOutput>(
        'The list of shards',
        new ListShardsCommand(token === undefined ? this.target : { NextToken: token }),
      )
      for (const shard of answer.Shards ?? []) listings.push(listingOf(shard))
      token = answer.NextToken
      if (token === undefined) return listings
    }
    throw new MillraceError('too-many-shards', `${this.what} lists more than ${PAGES_MAX} pages of shards.`)
  }

  async summary(): Promise<StreamSummary> {
    const answer = await this.call<DescribeStreamSummaryCommandOutput>(
      'The summary',
      new DescribeStreamSummaryCommand(this.target),
    )
    const { StreamARN, StreamCreationTimestamp, RetentionPeriodHours } = answer.StreamDescriptionSummary ?? {}
    return {
      arn: StreamARN ?? '',
      createdMs: StreamCreationTimestamp?.getTime() ?? 0,
      retentionMs: (RetentionPeriodHours ?? 24) * 3_600_000,
    }
  }

  async iterator(shard: string, from: ReadFrom): Promise<string> {
    const type = { oldest: 'TRIM_HORIZON', at: 'AT_SEQUENCE_NUMBER', after: 'AFTER_SEQUENCE_NUMBER' } as const
    const answer = await this.call<GetShardIteratorCommandOutput>(
      'An iterator',
      new GetShardIteratorCommand({
        ...this.target,
        ShardId: shard,
        ShardIteratorType: type[from.kind],
        ...(from.kind !== 'oldest' && { StartingSequenceNumber: from.sequence }),
      }),
    )
    return answer.ShardIterator!
  }

  async read(iterator: string, limit: number, signal?: AbortSignal): Promise<StreamRead> {
    const { StreamARN } = this.target
    const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: limit, ...(StreamARN && { StreamARN }) })
    const answer = await this.call<GetRecordsCommandOutput>('A read', command, signal)
    return {
      records: (answer.Records ?? []).map((record) => ({
        sequence: record.SequenceNumber!,
        partitionKey: record.PartitionKey ?? '',
        data: record.Data ?? new Uint8Array(),
        arrivalMs: record.ApproximateArrivalTimestamp?.getTime() ?? 0,
      })),
      next: answer.NextShardIterator ?? undefined,
      behindMs: answer.MillisBehindLatest,
    }
  }

  /** A refusal as one sentence. What is already one is left as it is. */
  explain(thrown: unknown): MillraceError {
    return thrown instanceof MillraceError ? thrown : refusal(thrown, this.what, this.where)
  }

  close(): void {
    this.own?.destroy()
  }

  /**
   * Sends a command until it is answered or refused. A refusal is thrown as the service sent it: what it means hangs on
   * the call.
   * @throws {RetryableError} where the tries are used up, `throttled` among them
   */
  private async call<R>(what: string, command: object, signal?: AbortSignal): Promise<R> {
    const retries = new Retries(`${what} of ${this.what.replace(/^The/, 'the')} ${this.where}`, BUDGET)
    for (;;) {
      try {
        return (await this.send(command, signal)) as R
      } catch (error) {
        signal?.throwIfAborted()
        const failure = judgeError(error)
        if (failure === 'refused') throw error
        await retries.pause(failure, error)
      }
    }
  }

  /** One try. A signal that outlives many tries is let go after each (AbortSignal.any keeps hold of it). */
  private async send(command: object, signal: AbortSignal | undefined): Promise<unknown> {
    const over = new AbortController()
    const abort = (): void => over.abort()
    const timer = setTimeout(abort, CALL_MS)
    signal?.addEventListener('abort', abort)
    try {
      return await this.client.send(command, { abortSignal: over.signal })
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }
}

/**
 * A client over HTTP/1.1. The SDK's default for Kinesis is HTTP/2, whose sessions do not outlive a frozen environment
 * and which no plain-HTTP endpoint speaks. It tries once: whoever calls counts the tries.
 */
function makeClient(region: string | undefined, endpoint: string | undefined): KinesisClient {
  return new KinesisClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ connectionTimeout: CONNECTION_TIMEOUT_MS }),
  })
}

function listingOf(shard: Shard): SplitListing {
  const parents = [shard.ParentShardId, shard.AdjacentParentShardId].filter((parent) => parent !== undefined)
  return {
    split: shard.ShardId!,
    ...(parents.length > 0 && { parents }),
    closed: shard.SequenceNumberRange?.EndingSequenceNumber !== undefined,
  }
}
