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

/** How many objects are read at a time, and how many bytes of them. A larger object is read alone. */
const READ_AT_ONCE = { elements: 16, bytes: 32 * 1024 * 1024 }
/** How many objects are deleted or rewritten at a time. */
const SETTLED_AT_ONCE = 8
/** How often the rewrite of an object is tried if another process changes the object meanwhile. */
const TURNS_MAX = 5
const LINE_FEED = 0x0a

/** A dead letter. Several objects may hold it. */
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
  /** All its lines are dead letters, and all have been yielded. */
  isWhole: boolean
  /** No more of its dead letters will be yielded. */
  isOver: boolean
}

/** Dead letters in the objects of a bucket. `text` is `s3://BUCKET/PREFIX`. */
export function bucketLetters(text: string, where: Where): DeadLetters {
  return new BucketLetters(bucketPlace(text), where)
}

class BucketLetters implements DeadLetters {
  private readonly place: BucketPlace
  private readonly client: S3Client
  private readonly where: Where
  private readonly entryOf = new WeakMap<DeadLetter, Entry>()
  /** Objects that still hold dead letters whose records were sent. */
  private readonly touched = new Set<ObjectState>()

  constructor(place: BucketPlace, where: Where) {
    this.place = place
    this.where = where
    this.client = s3Client(where)
  }

  /**
   * Lists all names first. A record that is sent again may be rejected again meanwhile; that dead letter is left to the
   * next call.
   */
  async *all(): AsyncGenerator<DeadLetter> {
    const objects = await listObjects(this.place, (input) =>
      this.call('Listing the objects of', () => this.client.send(new ListObjectsV2Command(input))),
    )
    const known = new Map<string, Entry>()
    let group = ''
    const read = async (object: LettersObject) => ({ object, stored: await this.read(object.key) })
    for await (const { object, stored } of readAhead(objects, READ_AT_ONCE, ({ bytes }) => bytes, read)) {
      // Another process has removed it meanwhile.
      if (stored === undefined) continue
      if (object.group !== group) known.clear()
      group = object.group
      // Objects are ordered by their starts: a dead letter that ends before this one is in no later object.
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
   * Deletes an object whose dead letters were all sent, and rewrites any other one without those that were sent. The
   * set of dead letters under one object name never grows, so no unsent dead letter is deleted.
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
      `The object "${key}" of the bucket "${this.place.bucket}" was changed ${TURNS_MAX} times while dead letters were being removed from it. Run one redrive at a time; the next one may send these records again.`,
    )
  }

  /** Returns undefined if the object no longer exists. */
  private async read(key: string): Promise<{ body: Buffer; version: string } | undefined> {
    return await this.call('A read from', async () => {
      try {
        const { Body, ETag } = await this.client.send(new GetObjectCommand({ Bucket: this.place.bucket, Key: key }))
        return { body: Buffer.from(await Body!.transformToByteArray()), version: ETag! }
      } catch (error) {
        if ((error as Error).name === 'NoSuchKey') return undefined
        throw error
      }
    })
  }

  /** Returns false if the object is no longer the one that was read: it was changed or deleted. */
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
    await this.call('A delete from', () =>
      this.client.send(new DeleteObjectCommand({ Bucket: this.place.bucket, Key: key })),
    )
  }

  private async call<R>(doing: string, work: () => Promise<R>): Promise<R> {
    return await answered(doing, `The bucket "${this.place.bucket}"`, whereOf('S3', this.where), work)
  }
}

/** The lines of UTF-8 bytes, decoded one at a time. */
function* linesOf(body: Buffer): Generator<string> {
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(LINE_FEED, at)
    const stop = end < 0 ? body.length : end
    if (stop > at) yield body.toString('utf8', at, stop)
    at = stop + 1
  }
}
