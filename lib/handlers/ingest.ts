import { EventShapeError, MillraceError, messageOf, RetryableError } from '../base/index.js'
import { recordDecoder } from '../codecs/decoder.js'
import type { Pipeline } from '../pipeline/index.js'
import type { EventDecoder, SplitBatch, Undone } from '../ports/index.js'
import { ingest as ingestBatch } from '../runtime/ingest.js'
import type { RecordDecoder } from '../runtime/source-chunk.js'
import { type Bindings, bound, type Container, container } from './bindings.js'
import { deadlineOf, type InvocationContext, measured } from './invocation.js'

export type Handler = (event: unknown, context?: InvocationContext) => Promise<unknown>

/**
 * The handler for a pipeline's event source mappings. It serves all of the pipeline's sources and distinguishes them by
 * the event. It returns what has to be delivered again, or throws if the mapping does not accept partial responses
 * (invariant 11).
 *
 * @throws {EventShapeError} for an event that belongs to no source of the pipeline; nothing is committed
 * @example export const handler = ingest(pipeline, { state: () => lmdbStore('/tmp/state') })
 */
export function ingest(pipeline: Pipeline, bindings?: Bindings): Handler {
  const open = container(pipeline, bindings)
  let decoding: Promise<Decoding> | undefined
  return async (event, context) => {
    const opened = await open()
    decoding ??= openDecoders(opened).catch((error) => {
      decoding = undefined
      throw error
    })
    const { decoders, records } = await decoding
    return measured(opened, 'ingest', async () => {
      await opened.host.ready()
      const claimants = decoders.filter((candidate) => candidate.matches(event))
      const [decoder] = claimants
      // If two connectors claimed an event, one half of it would be acknowledged and lost.
      if (decoder === undefined || claimants.length > 1) throw unknownEvent(opened, event, claimants)
      const batches = decoder.decode(event, (origin, places) => sourceOf(opened, decoder.connector, origin, places))
      const undone: Undone[] = []
      const deadline = deadlineOf(context, opened)
      let stopped: MillraceError | undefined
      for (const batch of batches) {
        const outcome = await ingestOne(opened, batch, records, deadline)
        if (outcome instanceof MillraceError) stopped ??= outcome
        else if (outcome !== undefined) undone.push({ batch, index: outcome })
      }
      // An error that no redelivery can fix is thrown, but only after the other partitions are done. Otherwise they
      // would wait for it forever (invariant 11).
      if (stopped !== undefined) throw stopped
      return answer(opened, decoder, undone)
    })
  }
}

interface Decoding {
  readonly decoders: readonly EventDecoder[]
  readonly records: ReadonlyMap<string, RecordDecoder>
}

async function openDecoders({ host }: Container): Promise<Decoding> {
  const byConnector = new Map<string, EventDecoder>()
  const records = new Map<string, RecordDecoder>()
  for (const source of host.plan.sources) {
    if (!byConnector.has(source.connector)) byConnector.set(source.connector, await source.open())
    records.set(source.name, await recordDecoder(source))
  }
  return { decoders: [...byConnector.values()], records }
}

/**
 * Ingests one batch of one split. After an error that a redelivery may fix, the batch is undone from the first record
 * without a checkpoint. An error that no redelivery can fix is returned.
 */
async function ingestOne(
  { host }: Container,
  batch: SplitBatch,
  records: ReadonlyMap<string, RecordDecoder>,
  deadline: { remainingMs(): number },
): Promise<number | MillraceError | undefined> {
  const { logger, metrics } = host.services
  const progress = { undone: 0 }
  const where = { source: batch.source, split: batch.split }
  try {
    const outcome = await ingestBatch(host, batch, records.get(batch.source)!, deadline, progress)
    if (outcome.undone === undefined) return undefined
    logger.warn('part of a batch is not done: it will be retried', {
      ...where,
      because: outcome.because,
      from: outcome.undone,
      of: batch.count,
    })
    return outcome.undone
  } catch (error) {
    if (error instanceof MillraceError && !(error instanceof RetryableError)) return error
    metrics.add('Retries', 1, 'Count')
    logger.error('a batch failed and will be retried', {
      ...where,
      error: messageOf(error),
      code: error instanceof MillraceError ? error.code : 'unexpected',
      from: progress.undone,
      of: batch.count,
    })
    // If all records have their checkpoint, only moving the watermark failed, which the next batch or tick does.
    return progress.undone < batch.count ? progress.undone : undefined
  }
}

function answer({ bindings }: Container, decoder: EventDecoder, undone: readonly Undone[]): unknown {
  if (undone.length > 0 && decoder.connector === 'kafka' && bindings.kafkaPartialAnswers !== true) {
    const { batch, index } = undone[0]!
    throw new RetryableError(
      'batch-undone',
      `${undone.length} partition${undone.length === 1 ? ' is' : 's are'} not done, the first from ${batch.split} position ${batch.position(index)} on. This mapping accepts no partial responses, so the whole batch is retried and finished records are skipped.`,
    )
  }
  return decoder.partialAnswer(undone)
}

/**
 * The logical source for an origin that an event names. If the name is bound by place, only events from those places
 * match.
 */
function sourceOf(
  { host, bindings }: Container,
  connector: string,
  origin: string,
  places: readonly string[] = [],
): string {
  const { origins = {} } = bindings
  const boundTo = (key: string): string | undefined => bound(origins, `${connector}:${key}`) ?? bound(origins, key)
  const here = places.flatMap((place) => boundTo(`${origin}@${place}`) ?? [])[0]
  const begins = [`${origin}@`, `${connector}:${origin}@`]
  if (here === undefined && Object.keys(origins).some((key) => begins.some((begin) => key.startsWith(begin))))
    throw new EventShapeError(
      `Pipeline "${host.plan.pipeline.name}" has ${connector} sources named "${origin}" in other places, but this event comes from ${places.join(', ') || 'no known place'}. Bind origins: { '${origin}@${places[0] ?? 'PLACE'}': '...' }.`,
    )
  const name = here ?? boundTo(origin) ?? origin
  const source = host.plan.sources.find((candidate) => candidate.name === name && candidate.connector === connector)
  if (source !== undefined) return source.name
  const known = host.plan.sources
    .filter((candidate) => candidate.connector === connector)
    .map((candidate) => candidate.name)
  throw new EventShapeError(
    `Pipeline "${host.plan.pipeline.name}" has no ${connector} source "${name}"; it has ${known.join(', ') || 'none'}. Use that name for the source, or bind origins: { '${origin}': '...' }.`,
  )
}

function unknownEvent({ host }: Container, event: unknown, claimants: readonly EventDecoder[]): EventShapeError {
  const shape =
    claimants.length > 0
      ? `of ${claimants.map((decoder) => decoder.connector).join(' and ')} at once`
      : event === null || typeof event !== 'object'
        ? typeof event
        : `an object with ${Object.keys(event).slice(0, 5).join(', ') || 'no fields'}`
  const connectors = [...new Set(host.plan.sources.map((source) => source.connector))].join(', ')
  return new EventShapeError(
    `Pipeline "${host.plan.pipeline.name}" expects events from ${connectors}, but this one is ${shape}. Check which mapping invokes this function.`,
  )
}
