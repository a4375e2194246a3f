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
/** The timeout of one attempt. */
const CALL_MS = 5_000
/**
 * A shard allows five reads per second for all its readers together, including Lambda's poller. So a throttled call is
 * retried for several seconds.
 */
const BUDGET: RetryBudget = { attemptsMax: 8, totalMs: 6_000 }
/** A stream has at most about 20,000 shards, 1,000 per page. */
const PAGES_MAX = 100

/** Where to start reading a shard: at its oldest record, at a given record, or after one. */
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
  /** The iterator for the next read; undefined at the end of a closed shard. */
  readonly next: string | undefined
  /** How far behind the shard's tip the response ends; undefined if the service does not report it. */
  readonly behindMs: number | undefined
}

export interface StreamSummary {
  readonly arn: string
  readonly createdMs: number
  readonly retentionMs: number
}

/** One stream and the few calls that Millrace makes to it, each with bounded retries and a timeout. */
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

  /** Every shard that the stream lists, including closed ones. */
  async list(): Promise<SplitListing[]> {
    const listings: SplitListing[] = []
    let token: string | undefined
    for (let page = 0; page < PAGES_MAX; page++) {
      // A token identifies the stream; the API does not allow the name beside it.
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

  /** Explains a refusal in one sentence. A `MillraceError` is returned unchanged. */
  explain(thrown: unknown): MillraceError {
    return thrown instanceof MillraceError ? thrown : refusal(thrown, this.what, this.where)
  }

  close(): void {
    this.own?.destroy()
  }

  /**
   * Sends a command until it is answered or refused. A refusal is thrown as the service sent it, because its meaning
   * depends on the call.
   * @throws {RetryableError} if the attempts are used up; its code is `throttled` or `unknown-outcome`
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

  /** One attempt. Its listener is removed afterwards; AbortSignal.any would stay referenced by a long-lived signal. */
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
 * A client over HTTP/1.1. The SDK's default for Kinesis is HTTP/2, but its sessions do not survive a frozen
 * environment, and plain-HTTP endpoints do not support it. The client sends each call once; the caller counts the
 * attempts.
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
