import { messageOf } from '../../base/index.js'
import type { SplitListing } from '../../ports/index.js'
import type { KinesisConnection } from '../../sources/kinesis/connection.js'
import { openStream } from '../../sources/kinesis/inspector.js'
import type { KinesisStream } from '../../sources/kinesis/stream.js'
import { type LiveOptions, rest, unlessStopped } from './options.js'
import { ShardPoller } from './shard-poller.js'

export interface KinesisPollerOptions extends LiveOptions, KinesisConnection {}

/** How soon a new shard is seen. */
const LIST_MS = 3_000

/**
 * Drives the ingest handler from a real Kinesis stream as an event source mapping does: every shard by itself, a child once its parents are read
 * and taken to their ends, each after the handler's own checkpoint. Several processes may poll one stream: each delivers all of it, and the handler
 * drops what another was faster with. Ends only by its signal.
 * @throws {ConfigError} where the stream cannot be read at all
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
  /** Read to its end, and all of it taken. */
  private readonly done = new Set<string>()
  private wake: () => void = () => undefined

  constructor(options: KinesisPollerOptions, stream: KinesisStream) {
    this.options = options
    this.stream = stream
  }

  async run(): Promise<void> {
    const { signal, logger } = this.options
    const { arn } = await this.stream.summary()
    let listed: readonly SplitListing[] = await this.stream.list()
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve
      })
      this.startReady(listed, arn)
      const pause = new AbortController()
      await Promise.race([rest(LIST_MS, AbortSignal.any([signal, pause.signal])), woken])
      pause.abort()
      try {
        listed = (await unlessStopped(this.stream.list(), signal)) ?? listed
      } catch (error) {
        logger.warn('the shards cannot be listed', { error: messageOf(this.stream.explain(error)) })
      }
    }
    await Promise.all(this.started.values())
  }

  /** Starts each shard whose parents are done, or are not there any more. */
  private startReady(listed: readonly SplitListing[], arn: string): void {
    const isThere = new Set(listed.map(({ split }) => split))
    for (const { split, parents = [] } of listed) {
      if (this.started.has(split)) continue
      if (parents.some((parent) => isThere.has(parent) && !this.done.has(parent))) continue
      const poller = new ShardPoller(this.options, this.stream, split, arn)
      const work = poller.run().then((isDone) => {
        if (isDone) this.done.add(split)
        this.wake()
      })
      this.started.set(split, work)
    }
  }
}
