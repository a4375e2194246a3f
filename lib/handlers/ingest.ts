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
 * The handler of a pipeline's event source mappings: any of its sources, told apart by the event. Answers with what is
 * to be delivered again, or throws where the mapping takes no partial answers (invariant 11).
 * @throws {EventShapeError} for an event that no source of the pipeline knows: nothing is committed
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
      // Of an event that two connectors claim, one half would be acknowledged and lost.
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
      // What no redelivery mends is said loudly, but not before the other partitions are done: they would wait for it
      // for ever (invariant 11).
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
 * One batch of one split. Errors that a redelivery may mend leave it undone from the first record without a checkpoint;
 * one that none mends is handed back.
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
    logger.warn('a batch is to come again', {
      ...where,
      because: outcome.because,
      from: outcome.undone,
      of: batch.count,
    })
    return outcome.undone
  } catch (error) {
    if (error instanceof MillraceError && !(error instanceof RetryableError)) return error
    metrics.add('Retries', 1, 'Count')
    logger.error('a batch failed and is to come again', {
      ...where,
      error: messageOf(error),
      code: error instanceof MillraceError ? error.code : 'unexpected',
      from: progress.undone,
      of: batch.count,
    })
    // All records have their checkpoint: what failed was moving the watermark, and the next batch or tick does that.
    return progress.undone < batch.count ? progress.undone : undefined
  }
}

function answer({ bindings }: Container, decoder: EventDecoder, undone: readonly Undone[]): unknown {
  if (undone.length > 0 && decoder.connector === 'kafka' && bindings.kafkaPartialAnswers !== true) {
    const { batch, index } = undone[0]!
    throw new RetryableError(
      'batch-undone',
      `${undone.length} partition${undone.length === 1 ? ' is' : 's are'} not done, the first from ${batch.split} position ${batch.position(index)} on; this mapping takes no partial answers, so the batch comes again and what is done is skipped.`,
    )
  }
  return decoder.partialAnswer(undone)
}

/**
 * The logical source of what an event names. Where a name is bound by place, it is never taken for one that is
 * elsewhere.
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
      `Pipeline "${host.plan.pipeline.name}" has ${connector} sources of the name "${origin}" in other places; this event is of ${places.join(', ') || 'none'}. Bind origins: { '${origin}@${places[0] ?? 'PLACE'}': '...' }.`,
    )
  const name = here ?? boundTo(origin) ?? origin
  const source = host.plan.sources.find((candidate) => candidate.name === name && candidate.connector === connector)
  if (source !== undefined) return source.name
  const known = host.plan.sources
    .filter((candidate) => candidate.connector === connector)
    .map((candidate) => candidate.name)
  throw new EventShapeError(
    `Pipeline "${host.plan.pipeline.name}" has no ${connector} source "${name}"; it has ${known.join(', ') || 'none'}. Name the source so, or bind origins: { '${origin}': '...' }.`,
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
    `Pipeline "${host.plan.pipeline.name}" takes events of ${connectors}; this one is ${shape}. Check which mapping invokes this function.`,
  )
}
