import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { limited } from '../../aws/limited.js'
import { answered } from '../../aws/retry.js'
import { s3Client } from '../../aws/s3-client.js'
import { type BucketPlace, bucketPlace } from '../../aws/s3-place.js'
import { type Where, whereOf } from '../../aws/where.js'
import { RetryableError } from '../../base/index.js'
import type { Rejected } from '../../pipeline/index.js'
import { rowIn } from '../../sinks/s3/objects.js'
import type { DeadLetter, DeadLetters } from './letter.js'
import { type LettersObject, listObjects } from './objects.js'
import { readAhead } from './read-ahead.js'

/** Objects read at a time, and bytes of them; one that has more is read alone. */
const READ_AT_ONCE = { elements: 16, bytes: 32 * 1024 * 1024 }
/** Objects deleted or written anew at a time. */
const SETTLED_AT_ONCE = 8
/** How often an object is written anew that somebody else changes meanwhile. */
const TURNS_MAX = 5
const LINE_FEED = 0x0a

/** A letter, which several objects may hold. */
interface Entry {
  readonly id: string
  readonly order: string
  readonly objects: ObjectState[]
  isSent: boolean
}

/** An object that was read, or is being read. */
interface ObjectState {
  readonly key: string
  readonly entries: Entry[]
  /** All its lines are letters, and have been looked at. */
  isWhole: boolean
  /** No more of its letters will be given. */
  isOver: boolean
}

/** Dead letters as objects of a bucket. `text` is `s3://BUCKET/PREFIX`. */
export function bucketLetters(text: string, where: Where): DeadLetters {
  return new BucketLetters(bucketPlace(text), where)
}

class BucketLetters implements DeadLetters {
  private readonly place: BucketPlace
  private readonly client: S3Client
  private readonly where: Where
  private readonly entryOf = new WeakMap<DeadLetter, Entry>()
  /** Objects with letters that were sent and are still in them. */
  private readonly touched = new Set<ObjectState>()

  constructor(place: BucketPlace, where: Where) {
    this.place = place
    this.where = where
    this.client = s3Client(where)
  }

  /** All names first: a letter that is written meanwhile, as its record was sent again, is another look's. */
  async *all(): AsyncGenerator<DeadLetter> {
    const objects = await listObjects(this.place, (input) =>
      this.call('A look at', () => this.client.send(new ListObjectsV2Command(input))),
    )
    const known = new Map<string, Entry>()
    let group = ''
    const read = async (object: LettersObject) => ({ object, stored: await this.read(object.key) })
    for await (const { object, stored } of readAhead(objects, READ_AT_ONCE, ({ bytes }) => bytes, read)) {
      // Removed by somebody else meanwhile.
      if (stored === undefined) continue
      if (object.group !== group) known.clear()
      group = object.group
      // Objects come by where they begin: what ends before is in none of the others.
      for (const [id, { order }] of known) if (order <= object.from) known.delete(id)
      yield* this.lettersIn(object.key, stored.body, known)
    }
  }

  private *lettersIn(key: string, body: Buffer, known: Map<string, Entry>): Generator<DeadLetter> {
    const object: ObjectState = { key, entries: [], isWhole: false, isOver: false }
    let isOurs = true
    try {
      for (const line of linesOf(body)) {
        const { id, order = '', value } = rowIn(line) ?? {}
        const row = value as Rejected | null | undefined
        if (id === undefined || typeof row?.reason !== 'string') {
          isOurs = false
          continue
        }
        const before = known.get(id)
        const entry = before ?? { id, order, objects: [], isSent: false }
        entry.objects.push(object)
        object.entries.push(entry)
        if (entry.isSent) this.touched.add(object)
        if (before !== undefined) continue
        known.set(id, entry)
        const letter: DeadLetter = { ...row, id, place: key }
        this.entryOf.set(letter, entry)
        yield letter
      }
      object.isWhole = isOurs
    } finally {
      object.isOver = true
    }
  }

  async remove(letters: readonly DeadLetter[]): Promise<void> {
    for (const letter of letters) {
      const entry = this.entryOf.get(letter)!
      entry.isSent = true
      for (const object of entry.objects) this.touched.add(object)
    }
    await this.finish()
  }

  async finish(): Promise<void> {
    const over = [...this.touched].filter(({ isOver }) => isOver)
    await limited(over, SETTLED_AT_ONCE, async (object) => {
      await this.settle(object)
      this.touched.delete(object)
    })
  }

  close(): void {
    this.client.destroy()
  }

  /**
   * An object of which all was sent goes; another keeps the rest. Under its name there are never other letters than
   * there were, so nothing that was not sent goes.
   */
  private async settle({ key, entries, isWhole }: ObjectState): Promise<void> {
    const sent = new Set(entries.filter(({ isSent }) => isSent).map(({ id }) => id))
    if (isWhole && entries.every(({ isSent }) => isSent)) return await this.delete(key)
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const stored = await this.read(key)
      if (stored === undefined) return
      const lines = [...linesOf(stored.body)]
      const rest = lines.filter((line) => !sent.has(rowIn(line)?.id ?? ''))
      if (rest.length === lines.length) return
      if (rest.length === 0) return await this.delete(key)
      if (await this.replace(key, stored.version, Buffer.from(rest.map((line) => `${line}\n`).join('')))) return
    }
    throw new RetryableError(
      'contention',
      `The object "${key}" of the bucket "${this.place.bucket}" was changed ${TURNS_MAX} times while letters were taken out of it. Run one redrive at a time; the next one may send these letters again.`,
    )
  }

  /** Undefined for what is not there any more. */
  private async read(key: string): Promise<{ body: Buffer; version: string } | undefined> {
    return await this.call('A look into', async () => {
      try {
        const { Body, ETag } = await this.client.send(new GetObjectCommand({ Bucket: this.place.bucket, Key: key }))
        return { body: Buffer.from(await Body!.transformToByteArray()), version: ETag! }
      } catch (error) {
        if ((error as Error).name === 'NoSuchKey') return undefined
        throw error
      }
    })
  }

  /** False where the object is not the one that was read: changed, or gone. */
  private async replace(key: string, version: string, body: Buffer): Promise<boolean> {
    const command = new PutObjectCommand({
      Bucket: this.place.bucket,
      Key: key,
      Body: body,
      ContentType: 'application/x-ndjson',
      IfMatch: version,
    })
    return await this.call('A write to', async () => {
      try {
        await this.client.send(command)
        return true
      } catch (error) {
        const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
        if (name === 'NoSuchKey' || $metadata?.httpStatusCode === 412) return false
        throw error
      }
    })
  }

  private async delete(key: string): Promise<void> {
    await this.call('A deletion in', () =>
      this.client.send(new DeleteObjectCommand({ Bucket: this.place.bucket, Key: key })),
    )
  }

  private async call<R>(doing: string, work: () => Promise<R>): Promise<R> {
    return await answered(doing, `The bucket "${this.place.bucket}"`, whereOf('S3', this.where), work)
  }
}

/** Lines of UTF-8, made into text one at a time. */
function* linesOf(body: Buffer): Generator<string> {
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(LINE_FEED, at)
    const stop = end < 0 ? body.length : end
    if (stop > at) yield body.toString('utf8', at, stop)
    at = stop + 1
  }
}
