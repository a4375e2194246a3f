import { messageOf } from '../../base/index.js'
import type { SplitListing } from '../../ports/index.js'
import type { KinesisConnection } from '../../sources/kinesis/connection.js'
import { openStream } from '../../sources/kinesis/inspector.js'
import type { KinesisStream } from '../../sources/kinesis/stream.js'
import { type LiveOptions, rest, unlessStopped, untilAnswered } from './options.js'
import { ShardPoller } from './shard-poller.js'

export interface KinesisPollerOptions extends LiveOptions, KinesisConnection {}

/** How soon a new shard is noticed. */
const LIST_MS = 3_000

/**
 * Drives the ingest handler from a real Kinesis stream as an event source mapping does. Every shard is read separately,
 * from the handler's own checkpoint; a child shard is read once its parents are processed to their ends. Several
 * processes may poll one stream: each delivers all of it, and the handler drops records that another process delivered
 * first. It ends only by its signal.
 * @throws {ConfigError} if the stream cannot be read at all
 */
export async function pollKinesis(options: KinesisPollerOptions): Promise<void> {
  const stream = await openStream(options, 'The Kinesis poller')
  try {
    await new KinesisPoller(options, stream).run()
  } catch (error) {
    throw stream.explain(error)
  } finally {
    stream.close()
  }
}

class KinesisPoller {
  private readonly options: KinesisPollerOptions
  private readonly stream: KinesisStream
  private readonly started = new Map<string, Promise<void>>()
  /** Shards that are processed to their ends. */
  private readonly done = new Set<string>()
  private readonly broken = new AbortController()
  private failure: { readonly error: unknown } | undefined
  private wake: () => void = () => undefined

  constructor(options: KinesisPollerOptions, stream: KinesisStream) {
    const signal = AbortSignal.any([options.signal, this.broken.signal])
    this.options = { ...options, signal }
    this.stream = stream
  }

  async run(): Promise<void> {
    const { signal, logger } = this.options
    const summary = await untilAnswered(() => this.stream.summary(), this.options)
    let listed: readonly SplitListing[] = (await untilAnswered(() => this.stream.list(), this.options)) ?? []
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve
      })
      this.startReady(listed, summary!.arn)
      await rest(LIST_MS, signal, woken)
      try {
        listed = (await unlessStopped(this.stream.list(), signal)) ?? listed
      } catch (error) {
        logger.warn('the shards cannot be listed', { error: messageOf(this.stream.explain(error)) })
      }
    }
    await Promise.all(this.started.values())
    if (this.failure !== undefined) throw this.failure.error
  }

  /** Starts each shard whose parents are processed or no longer exist. */
  private startReady(listed: readonly SplitListing[], arn: string): void {
    const isThere = new Set(listed.map(({ split }) => split))
    for (const { split, parents = [] } of listed) {
      if (this.started.has(split)) continue
      if (parents.some((parent) => isThere.has(parent) && !this.done.has(parent))) continue
      this.started.set(split, this.poll(new ShardPoller(this.options, this.stream, split, arn), split))
    }
  }

  /** The end of a shard may let its children begin; a permanent failure ends all shards. */
  private async poll(poller: ShardPoller, split: string): Promise<void> {
    try {
      if (await poller.run()) this.done.add(split)
    } catch (error) {
      this.failure ??= { error }
      this.broken.abort()
    }
    this.wake()
  }
}
