import { createReadStream, existsSync } from 'node:fs'
import { type Pipeline, plan } from '../pipeline/index.js'
import { linesIn } from '../sinks/file/lines.js'
import { writeLines } from '../sinks/file/parts.js'
import { PlaceFinder } from './input/place-finder.js'
import type { DealtFiles, RecordPlace } from './input/places.js'

/** Rows that a run rejected, or that arrived after their windows had closed, for one reason. */
export interface RejectedRows {
  /** The sink that received them, and its file. */
  readonly sink: string
  readonly file: string
  readonly reason: string
  readonly rows: number
  /** The first of them. */
  readonly example: {
    readonly source: string
    readonly split: string
    readonly position: string
    readonly detail: string
    /** The location of its record, if it came from a file. */
    readonly place?: RecordPlace
  }
}

interface Letter {
  readonly reason: string
  readonly detail: string
  readonly source: string
  readonly split: string
  readonly position: string
}

/** A file of rows that carry a reason. */
export interface LettersFile {
  readonly sink: string
  readonly file: string
  /** Whether the location of its record is added to each row. */
  readonly isDeadLetter: boolean
}

/** The files of a run's sinks whose rows carry a reason. */
export function lettersOf(pipeline: Pipeline, sinks: readonly { name: string; file: string }[]): LettersFile[] {
  const { operators } = plan(pipeline)
  return sinks
    .map(({ name, file }) => ({ sink: name, file, isDeadLetter: name === pipeline.deadLetter.name }))
    .filter(
      ({ sink, file, isDeadLetter }) =>
        existsSync(file) && (isDeadLetter || operators.some(({ late }) => late?.name === sink)),
    )
}

/**
 * Counts the rows of a run's dead letter and late outputs by reason, and adds the location of its record to each dead
 * letter.
 */
export async function rejectedRows(
  files: readonly LettersFile[],
  inputs: readonly DealtFiles[],
): Promise<RejectedRows[]> {
  const found: { rows: number; readonly first: Letter; readonly of: LettersFile }[] = []
  const wanted = new PlaceFinder(inputs)
  for (const of of files) {
    const byReason = new Map<string, (typeof found)[number]>()
    for await (const letter of lettersIn(of.file)) {
      if (letter === undefined) continue
      const group = byReason.get(letter.reason)
      if (group === undefined) byReason.set(letter.reason, { rows: 1, first: letter, of })
      else group.rows++
      if (of.isDeadLetter || group === undefined) wanted.add(letter)
    }
    found.push(...byReason.values())
  }
  await wanted.find()
  for (const { file, isDeadLetter } of files)
    if (isDeadLetter && found.some(({ of }) => of.file === file)) await writeLines(file, withPlaces(file, wanted))
  return found.map(({ rows, first: { reason, source, split, position, detail }, of: { sink, file } }) => {
    const place = wanted.place(source, split, position)
    return { sink, file, reason, rows, example: { source, split, position, detail, ...(place && { place }) } }
  })
}

async function* lettersIn(file: string): AsyncGenerator<Letter | undefined> {
  for await (const line of linesIn(createReadStream(file, 'utf8'))) {
    const row: unknown = JSON.parse(line)
    yield typeof row === 'object' && row !== null && 'reason' in row ? (row as Letter) : undefined
  }
}

/** Adds to each dead letter of a file the location of its record. */
async function* withPlaces(file: string, wanted: PlaceFinder): AsyncGenerator<string> {
  for await (const line of linesIn(createReadStream(file, 'utf8'))) {
    const row = JSON.parse(line)
    const place = wanted.place(row?.source, row?.split, row?.position)
    yield place === undefined ? line : JSON.stringify({ ...row, ...place })
  }
}
