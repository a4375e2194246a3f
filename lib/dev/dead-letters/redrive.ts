import { ConfigError } from '../../base/index.js'
import { type Pipeline, plan } from '../../pipeline/index.js'
import type { SourceNode } from '../../ports/index.js'
import { OVERHEAD_BYTES, openSender, SEND_BYTES } from '../live/send.js'
import type { Sender } from '../live/sender.js'
import { type LiveBindings, liveSource } from '../live/sources.js'
import { type DeadLetter, type DeadLetters, outgoingOf, sizeOf, staysAs } from './letter.js'

const BATCH = 100

export interface RedriveOptions extends LiveBindings {
  readonly letters: DeadLetters
  /** Only dead letters with this reason. */
  readonly reason?: string
  /** Only counts: nothing is sent or deleted. */
  readonly isDry?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (sent: number) => void
}

/** What happened to the selected dead letters. */
export interface Redriven {
  readonly sent: number
  /** Left in place: their records cannot be sent again unchanged. */
  readonly left: number
  /** Their counts, by the reason of the dead letter and by why it stays. */
  readonly stays: readonly { readonly reason: string; readonly why: string; readonly count: number }[]
}

/**
 * Sends the records of dead letters to their sources again, with the same bytes, key, headers and timestamp, and
 * deletes each dead letter once its source has the record. A record that cannot be sent unchanged stays. In its source
 * it is a new record: it has a new position and is counted again. Delivery is at least once: if the process is killed
 * between sending and deleting, the next call sends the record again; in a bucket, this includes earlier dead letters
 * of the same object.
 * @throws {ConfigError} if the table does not exist, or the pipeline no longer has the source
 */
export async function redrive(pipeline: Pipeline, options: RedriveOptions): Promise<Redriven> {
  const { letters, isDry = false } = options
  const senders = new Map<string, Promise<Sender>>()
  let sent = 0
  const stays = new Map<string, { reason: string; why: string; count: number }>()
  let waiting: DeadLetter[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    const batch = waiting
    waiting = []
    bytes = 0
    if (!isDry)
      for (const source of new Set(batch.map((letter) => letter.source))) {
        const some = batch.filter((letter) => letter.source === source)
        const sender = await opened(pipeline, options, senders, source)
        await sender.send(some.map(outgoingOf))
        await letters.remove(some)
      }
    sent += batch.length
    options.onProgress?.(sent)
  }
  try {
    for await (const letter of letters.all()) {
      if (options.signal?.aborted) break
      if (options.reason !== undefined && letter.reason !== options.reason) continue
      const why = staysAs(letter, options.reason, nodeOf(pipeline, letter))
      if (why !== undefined) {
        const { reason } = letter
        const name = JSON.stringify([reason, why])
        stays.set(name, { reason, why, count: (stays.get(name)?.count ?? 0) + 1 })
        continue
      }
      const more = sizeOf(letter) + OVERHEAD_BYTES
      if (waiting.length === BATCH || (waiting.length > 0 && bytes + more > SEND_BYTES)) await flush()
      waiting.push(letter)
      bytes += more
    }
    await flush()
    const kinds = [...stays.values()].sort((a, b) => b.count - a.count)
    return { sent, left: kinds.reduce((sum, { count }) => sum + count, 0), stays: kinds }
  } finally {
    for (const sender of senders.values()) await sender.then((one) => one.close()).catch(() => undefined)
    await letters.finish()
  }
}

function nodeOf(pipeline: Pipeline, { source }: DeadLetter): SourceNode<any> | undefined {
  return plan(pipeline).sources.find(({ name }) => name === source)
}

async function opened(
  pipeline: Pipeline,
  options: RedriveOptions,
  senders: Map<string, Promise<Sender>>,
  source: string,
): Promise<Sender> {
  let sender = senders.get(source)
  if (sender === undefined) {
    const live = liveSource(pipeline, source, options)
    if (live === undefined)
      throw new ConfigError(
        'unknown-source',
        `A dead letter names the source "${source}"; the sources of pipeline "${pipeline.name}" are ${plan(pipeline)
          .sources.map(({ name }) => name)
          .join(', ')}. Give the pipeline that wrote it.`,
      )
    sender = openSender(live, undefined)
    senders.set(source, sender)
  }
  return await sender
}
