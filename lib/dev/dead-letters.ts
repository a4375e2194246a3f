import { type AttributeValue, DeleteItemCommand, type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { type DynamoDBOptions, dynamodbClient, placeOf } from '../aws/dynamodb-client.js'
import { refusal } from '../aws/failure.js'
import { RETRY_BUDGET, Retries, untilAnswered } from '../aws/retry.js'
import { ConfigError, MillraceError } from '../base/index.js'
import { type Pipeline, plan, type Rejected } from '../pipeline/index.js'
import { keyOf, OVERHEAD_BYTES, openSender, SEND_BYTES } from './live/send.js'
import type { Sender } from './live/sender.js'
import { type LiveBindings, liveSources } from './live/sources.js'

/** A dead letter as its table holds it. */
export interface DeadLetter extends Rejected {
  readonly id: string
}

/** Reasons whose payload is the record's own text, as no value could be made of it. */
const AS_TEXT = new Set(['bad-json', 'deep-nesting', 'forbidden-key', 'oversize', 'skipped'])
/** Reasons that nothing can be sent again for: the record's bytes are no text, or it has none; or the letter is no record of a source, but a row that came of one. */
const NEVER = new Set(['bad-utf8', 'bad-base64', 'bad-aggregate', 'tombstone', 'sink-refused', 'expired'])
const BATCH = 100

/** Pages through the dead letters of a table. A look by hand: it reads all of the table. */
export async function* deadLetters(table: string, options: DynamoDBOptions = {}): AsyncGenerator<DeadLetter> {
  const client = dynamodbClient(options)
  try {
    let from: Record<string, AttributeValue> | undefined
    do {
      const page = await call(`A look at the table "${table}"`, table, options, () =>
        client.send(new ScanCommand({ TableName: table, ...(from && { ExclusiveStartKey: from }) })),
      )
      for (const item of page.Items ?? []) if (item.reason !== undefined) yield letterOf(table, item)
      from = page.LastEvaluatedKey
    } while (from !== undefined)
  } finally {
    client.destroy()
  }
}

export interface RedriveOptions extends LiveBindings {
  readonly table: string
  readonly dynamodb?: DynamoDBOptions
  /** Only those of this reason. */
  readonly reason?: string
  /** Only looks: nothing is sent, nothing is deleted. */
  readonly isDry?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (sent: number) => void
}

/** What became of the dead letters that were asked for. */
export interface Redriven {
  readonly sent: number
  /** Left where they are: their records cannot be sent again as they came. */
  readonly left: number
}

/**
 * Sends the records of dead letters to their sources once more, and deletes each once its source has it. A record is another one there: it has a new position, and counts anew. At least once:
 * killed between the two, it is sent again by the next call.
 * @throws {ConfigError} for a table that is not there, or a source that the pipeline does not have any more
 */
export async function redrive(pipeline: Pipeline, options: RedriveOptions): Promise<Redriven> {
  const { table, dynamodb = {}, isDry = false } = options
  const client = dynamodbClient(dynamodb)
  const senders = new Map<string, Promise<Sender>>()
  let sent = 0
  let left = 0
  let waiting: DeadLetter[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    const letters = waiting
    waiting = []
    bytes = 0
    if (!isDry)
      for (const source of new Set(letters.map((letter) => letter.source))) {
        const some = letters.filter((letter) => letter.source === source)
        const sender = await opened(pipeline, options, senders, source)
        const node = plan(pipeline).sources.find(({ name }) => name === source)!
        const lines = some.map(lineOf)
        await sender.send(lines.map((line) => ({ key: keyOf(node, line), line })))
        for (const { id } of some) await remove(client, table, id, dynamodb)
      }
    sent += letters.length
    options.onProgress?.(sent)
  }
  try {
    for await (const letter of deadLetters(table, dynamodb)) {
      if (options.signal?.aborted) break
      if (options.reason !== undefined && letter.reason !== options.reason) continue
      if (!isResendable(letter, options.reason)) {
        left++
        continue
      }
      const more = Buffer.byteLength(lineOf(letter)) + OVERHEAD_BYTES
      if (waiting.length === BATCH || (waiting.length > 0 && bytes + more > SEND_BYTES)) await flush()
      waiting.push(letter)
      bytes += more
    }
    await flush()
    return { sent, left }
  } finally {
    client.destroy()
    for (const sender of senders.values()) await sender.then((one) => one.close()).catch(() => undefined)
  }
}

/** Whether its record can be sent again as it came. What killed the process may do so again: only whoever asks for it gets it. */
export function isResendable({ reason, payload }: DeadLetter, asked?: string): boolean {
  if (payload === undefined || payload === null || NEVER.has(reason)) return false
  return reason !== 'skipped' || asked === 'skipped'
}

function lineOf({ reason, payload }: DeadLetter): string {
  return typeof payload === 'string' && AS_TEXT.has(reason) ? payload : JSON.stringify(payload)
}

async function opened(
  pipeline: Pipeline,
  options: RedriveOptions,
  senders: Map<string, Promise<Sender>>,
  source: string,
): Promise<Sender> {
  let sender = senders.get(source)
  if (sender === undefined) {
    const live = liveSources(pipeline, options).find(({ name }) => name === source)
    if (live === undefined)
      throw new ConfigError(
        'unknown-source',
        `A dead letter is of the source "${source}"; pipeline "${pipeline.name}" has ${plan(pipeline)
          .sources.map(({ name }) => name)
          .join(', ')}. Give the pipeline that wrote it.`,
      )
    sender = openSender(live, undefined)
    senders.set(source, sender)
  }
  return await sender
}

async function remove(client: DynamoDBClient, table: string, id: string, options: DynamoDBOptions): Promise<void> {
  const Key = { pk: { S: id }, sk: { S: 'row' } }
  await call(`A deletion in the table "${table}"`, table, options, () =>
    client.send(new DeleteItemCommand({ TableName: table, Key })),
  )
}

async function call<R>(what: string, table: string, options: DynamoDBOptions, work: () => Promise<R>): Promise<R> {
  return await untilAnswered(new Retries(what, RETRY_BUDGET), work).catch((error: unknown) => {
    throw error instanceof MillraceError ? error : refusal(error, `The table "${table}"`, placeOf(options))
  })
}

function letterOf(table: string, item: Readonly<Record<string, AttributeValue>>): DeadLetter {
  if (item.pk?.S === undefined || item.sk?.S !== 'row')
    throw new ConfigError(
      'bad-table',
      `The table "${table}" holds dead letters under other keys than pk and sk, as an item of its own gives them: read it by those.`,
    )
  const fields = Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value)]))
  return { ...(fields as unknown as DeadLetter), id: String(fields.pk) }
}

/** A document as the sink wrote it. */
function plain(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S
  if (value.N !== undefined) return Number(value.N)
  if (value.BOOL !== undefined) return value.BOOL
  if (value.L !== undefined) return value.L.map(plain)
  if (value.M !== undefined)
    return Object.fromEntries(Object.entries(value.M).map(([name, inner]) => [name, plain(inner)]))
  return null
}
