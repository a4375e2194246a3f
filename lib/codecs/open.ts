import { isUtf8 } from 'node:buffer'
import { constants, gunzipSync } from 'node:zlib'
import {
  ConfigError,
  DECODED_BYTES_MAX,
  messageOf,
  RECORD_VALUES_MAX,
  RecordRejection,
  RecordValues,
} from '../base/index.js'
import type { Codec, DecodeFunction, RecordMeta, SourceNode } from '../ports/index.js'
import { logEventsOf } from './cloud-watch-logs.js'
import { JsonDecoder } from './json.js'
import { ndjsonValues } from './ndjson.js'
import type { Payloads } from './record-pack.js'
import { reject } from './rejections.js'

/** Returns one value, several `RecordValues`, or a rejection. */
type Decode = (bytes: Buffer, meta: RecordMeta) => unknown

/**
 * Decodes the records of a source that uses a codec other than `json()`. Records are decoded one at a time, so that at
 * most one decompressed record is in memory.
 */
export class CodecDecoder {
  readonly recordsAtOnce = 1
  private readonly decodeOne: Decode
  private readonly recordBytesMax: number

  constructor(source: SourceNode<any>) {
    this.recordBytesMax = source.recordBytesMax
    const settings = {
      name: source.name,
      json: new JsonDecoder(DECODED_BYTES_MAX, source.numbers, source.duplicateMembers),
    }
    this.decodeOne = opened(source.decode!, settings)
  }

  /**
   * Fills `out` from its start with the value of each record, its `RecordValues`, or its rejection. `meta` belongs to
   * the first record.
   */
  decode(batch: Payloads, from: number, to: number, out: unknown[], meta: RecordMeta): void {
    for (let index = from; index < to; index++) out[index - from] = this.one(batch, index, meta)
  }

  private one(batch: Payloads, index: number, meta: RecordMeta): unknown {
    const bound = batch.sizeBound(index)
    if (bound > this.recordBytesMax) return reject.oversize(bound, this.recordBytesMax)
    // Each record gets a buffer of its own, because user code may keep it.
    const bytes = Buffer.allocUnsafeSlow(bound)
    const written = batch.write(index, bytes, 0)
    return written < 0 ? reject.defect(written) : this.decodeOne(bytes.subarray(0, written), meta)
  }
}

interface Settings {
  /** The source's name. */
  readonly name: string
  readonly json: JsonDecoder
}

function opened(codec: Codec | DecodeFunction, settings: Settings): Decode {
  if (typeof codec === 'function') return (bytes, meta) => called(codec, bytes, meta, settings.name)
  switch (codec.codec) {
    case 'json':
      return (bytes) => jsonValue(bytes, settings.json)
    case 'ndjson':
      return (bytes) => ndjsonValues(bytes, settings.json)
    case 'gzip':
      return unzipping(opened(codec.of, settings))
    case 'cloudWatchLogs':
      return unzipping((bytes) => logEventsOf(jsonValue(bytes, settings.json), bytes.length))
    case 'text':
      return textValue
    case 'bytes':
      return (bytes) => bytes
    default:
      throw new ConfigError(
        'bad-source',
        `decode of the source "${settings.name}" is a codec of another version of Millrace. Build the pipeline with this version.`,
      )
  }
}

function jsonValue(bytes: Buffer, decoder: JsonDecoder): unknown {
  const out: unknown[] = []
  const write = (_: number, target: Buffer, at: number): number => bytes.copy(target, at)
  decoder.decode({ sizeBound: () => bytes.length, write }, 0, 1, out)
  return out[0]
}

function textValue(bytes: Buffer): string | RecordRejection {
  if (!isUtf8(bytes)) return reject.badUtf8(bytes)
  const text = bytes.toString()
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

function unzipping(next: Decode): Decode {
  return (bytes, meta) => {
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return reject.notGzip(bytes)
    let unpacked: Buffer
    try {
      // guard: unpacked-bounded
      unpacked = gunzipSync(bytes, { maxOutputLength: DECODED_BYTES_MAX, finishFlush: constants.Z_FINISH })
    } catch (error) {
      const isLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      return isLarge ? reject.oversizeGzip() : reject.badGzip(bytes)
    }
    return next(unpacked, meta)
  }
}

function called(
  decode: DecodeFunction,
  bytes: Buffer,
  meta: RecordMeta,
  source: string,
): RecordValues | RecordRejection {
  try {
    const given: unknown = decode(bytes, meta)
    if (given instanceof Promise) {
      given.catch(() => undefined)
      throw new ConfigError(
        'async-decode',
        `decode of the source "${source}" returns a promise; ingest decodes records synchronously. Use a synchronous function.`,
      )
    }
    const list: unknown[] = []
    for (const value of listed(given)) {
      if (list.length === RECORD_VALUES_MAX) return reject.manyValues()
      list.push(value)
    }
    return new RecordValues(list, bytes.length)
  } catch (thrown) {
    if (thrown instanceof RecordRejection) return thrown
    if (thrown instanceof ConfigError) throw thrown
    return reject.decodeThrew(messageOf(thrown))
  }
}

/** Strings and byte arrays are iterable too, but a user function hardly ever means their characters as values. */
function listed(given: unknown): Iterable<unknown> {
  const isList = typeof given === 'object' && given !== null && Symbol.iterator in given && !ArrayBuffer.isView(given)
  if (isList) return given as Iterable<unknown>
  const what =
    given === null
      ? 'null'
      : ArrayBuffer.isView(given)
        ? 'bytes'
        : given === undefined
          ? 'nothing'
          : `one ${typeof given}`
  throw new RecordRejection(
    'decode-threw',
    `decode must return a list of values; it returned ${what}. Return [value] for one value, [] for none.`,
  )
}
