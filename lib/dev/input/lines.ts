import { isUtf8 } from 'node:buffer'
import { closeSync, createReadStream, existsSync, openSync, readSync, statSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { ConfigError, messageOf } from '../../base/index.js'
import { framingOf, LOOK_BYTES } from './framing.js'
import { valuesIn } from './values.js'

/** One record of a file: its text, or its bytes if they are not UTF-8. */
export type Line = string | Buffer

/** Where the current record begins in its file: the line, from 1. */
export interface LineAt {
  line: number
}

const LINE_FEED = 0x0a
const RETURN = 0x0d

/** Checks that an input exists and is a file, before anything starts. */
export function checkInput(path: string): void {
  if (!existsSync(path))
    throw new ConfigError('no-input', `The input ${path} does not exist. Give an NDJSON file, plain or gzipped.`)
  if (!statSync(path).isFile())
    throw new ConfigError('no-input', `The input ${path} is not a file. Give an NDJSON file, plain or gzipped.`)
}

/**
 * The records of a file, decompressed if the file begins as gzip data does. They are its lines, without empty ones. A
 * file that is one JSON array yields its elements; a file of values that span several lines or follow each other
 * directly yields those values. `at` is updated before each record is yielded. `onRead` is called with the number of
 * bytes of the file that have been read.
 * @throws {ConfigError} if a file cannot be read, or is in UTF-16
 */
export async function* linesOf(
  path: string,
  at: LineAt = { line: 0 },
  onRead?: (bytes: number) => void,
): AsyncGenerator<Line> {
  const file = createReadStream(path)
  const isPacked = path.endsWith('.gz') || beginsAsGzip(path)
  const gunzip = isPacked ? createGunzip() : undefined
  // An error of the file must reach the reader of the stream that it is piped to.
  file.on('error', (error) => gunzip?.destroy(error))
  try {
    const chunks = gunzip === undefined ? file : file.pipe(gunzip)
    yield* recordsIn(path, onRead === undefined ? chunks : noted(chunks, () => onRead(file.bytesRead)), at)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(
      'bad-input',
      `The input ${path} cannot be read: ${messageOf(error)}. Is it ${isPacked ? 'gzip data' : 'text'}?`,
    )
  } finally {
    file.destroy()
  }
}

function beginsAsGzip(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(2)
    return readSync(file, bytes) === 2 && bytes[0] === 0x1f && bytes[1] === 0x8b
  } finally {
    closeSync(file)
  }
}

async function* noted(chunks: AsyncIterable<Buffer>, note: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    note()
    yield chunk
  }
}

/** The first bytes of a file show how its records are separated. */
async function* recordsIn(path: string, chunks: AsyncIterable<Buffer>, at: LineAt): AsyncGenerator<Line> {
  const iterator = chunks[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  let isEnded = false
  while (head.length < LOOK_BYTES && !isEnded) {
    const { value, done } = await iterator.next()
    if (done === true) isEnded = true
    else head = head.length === 0 ? value : Buffer.concat([head, value])
  }
  const framing = framingOf(head, isEnded)
  if (framing === 'utf-16') {
    throw new ConfigError(
      'bad-input',
      `The input ${path} is text in UTF-16; records are UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 FILE.`,
    )
  }
  const all = continued(head, isEnded ? undefined : iterator)
  for await (const record of framing === 'lines' ? linesIn(all, at) : valuesIn(all, path, at)) {
    yield isUtf8(record) ? record.toString() : record
  }
}

async function* continued(head: Buffer, rest: AsyncIterator<Buffer> | undefined): AsyncGenerator<Buffer> {
  yield head
  for (let next = await rest?.next(); next !== undefined && next.done !== true; next = await rest!.next())
    yield next.value
}

/** Lines, terminated only by LF or CRLF: a value may contain any other line separator. */
async function* linesIn(chunks: AsyncIterable<Buffer>, place: LineAt): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  place.line = 0
  for await (const chunk of chunks) {
    let from = 0
    for (let to = chunk.indexOf(LINE_FEED); to >= 0; to = chunk.indexOf(LINE_FEED, from)) {
      rest.push(chunk.subarray(from, to))
      const line = withoutReturn(rest.length === 1 ? rest[0]! : Buffer.concat(rest))
      place.line++
      if (line.length > 0) yield line
      rest = []
      from = to + 1
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
  }
  const last = withoutReturn(Buffer.concat(rest))
  place.line++
  if (last.length > 0) yield last
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}
