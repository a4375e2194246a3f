import { createReadStream, existsSync } from 'node:fs'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { linesIn } from './lines.js'

/** The amount of text that is written to the collected file at a time. */
const CHUNK_CHARS = 256 * 1024

/** The first line of a split's file. */
export interface SplitHeader {
  readonly split: string
  readonly from: string
  readonly to: string
}

interface StoredRow {
  readonly order: string
  readonly id: string
  readonly row: unknown
}

export async function headerOf(path: string): Promise<SplitHeader> {
  for await (const line of lines(path)) return JSON.parse(line) as SplitHeader
  return { split: '', from: '', to: '' }
}

/**
 * The rows of a sink's folder, each once, in an order that depends only on the rows: parts of operators by (operator,
 * slice, key hash), then rows of splits by (position, id).
 */
export async function* collectParts(directory: string): AsyncGenerator<string> {
  const names = existsSync(directory) ? (await readdir(directory)).filter((name) => name.endsWith('.ndjson')) : []
  const parts = names.filter((name) => name.startsWith('o.')).map(placeOf)
  parts.sort((a, b) => compare(a.operator, b.operator) || compare(a.part, b.part))
  for (const { name } of parts) yield* lines(join(directory, name))
  const splits = new Map<string, { path: string; header: SplitHeader }[]>()
  for (const name of names) {
    if (!name.startsWith('s.')) continue
    const path = join(directory, name)
    const header = await headerOf(path)
    const files = splits.get(header.split)
    if (files) files.push({ path, header })
    else splits.set(header.split, [{ path, header }])
  }
  yield* merge([...splits.values()].map(splitRows))
}

/**
 * Splits a file's name into operator and part. An operator's name may contain dots, and may be a prefix of another one,
 * so sorting by file name would not sort by operator.
 */
function placeOf(name: string): { name: string; operator: string; part: string } {
  const [, operator, part] = /^o\.(.+)\.([^.]+)\.ndjson$/.exec(name) ?? ['', '', name]
  return { name, operator: operator!, part: part! }
}

/** The rows of a split's files in order. If two files overlap, their common rows are read from the first one. */
async function* splitRows(files: { path: string; header: SplitHeader }[]): AsyncGenerator<StoredRow> {
  files.sort((a, b) => compare(a.header.from, b.header.from) || compare(a.header.to, b.header.to))
  let reached = ''
  for (const { path, header } of files) {
    let first = true
    for await (const line of lines(path)) {
      if (first) {
        first = false
        continue
      }
      const row = JSON.parse(line) as StoredRow
      if (row.order > reached) yield row
    }
    if (header.to > reached) reached = header.to
  }
}

async function* merge(streams: AsyncGenerator<StoredRow>[]): AsyncGenerator<string> {
  const heads: { row: StoredRow; rest: AsyncGenerator<StoredRow> }[] = []
  for (const rest of streams) {
    const next = await rest.next()
    if (!next.done) heads.push({ row: next.value, rest })
  }
  while (heads.length > 0) {
    let least = 0
    for (let i = 1; i < heads.length; i++) {
      const a = heads[i]!.row
      const b = heads[least]!.row
      if ((compare(a.order, b.order) || compare(a.id, b.id)) < 0) least = i
    }
    const head = heads[least]!
    // A value that JSON cannot represent is null, as in a JSON array.
    yield JSON.stringify(head.row.row ?? null)
    const next = await head.rest.next()
    if (next.done) heads.splice(least, 1)
    else head.row = next.value
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function lines(path: string): AsyncGenerator<string> {
  return linesIn(createReadStream(path, 'utf8'))
}

/** Writes all rows of a sink's folder to one file, atomically. Returns the number of rows. */
export async function collectInto(directory: string, file: string): Promise<number> {
  return await writeLines(file, collectParts(directory))
}

/** Writes lines to a file, atomically: it has all of them, or stays as it was. Returns the number of lines. */
export async function writeLines(file: string, all: AsyncIterable<string>): Promise<number> {
  const temporary = `${file}.${process.pid}.tmp`
  const out = await open(temporary, 'w')
  let count = 0
  let chunk = ''
  try {
    for await (const line of all) {
      chunk += `${line}\n`
      count++
      if (chunk.length < CHUNK_CHARS) continue
      await out.writeFile(chunk)
      chunk = ''
    }
    await out.writeFile(chunk)
    await out.close()
    await rename(temporary, file)
  } catch (error) {
    await out.close().catch(() => undefined)
    await rm(temporary, { force: true })
    throw error
  }
  return count
}
