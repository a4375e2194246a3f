import type { SourceNode } from '../../ports/index.js'
import { Dealer } from './dealer.js'
import { linesOf } from './lines.js'
import { numberingOf } from './numbering.js'

/** The location of a record of a local run: a file, and the line on which the record begins, from 1. */
export interface RecordPlace {
  readonly file: string
  readonly line: number
}

/** The files of a source, and the number of splits that its records are assigned to. */
export interface DealtFiles {
  readonly source: SourceNode<any>
  readonly files: readonly string[]
  readonly logs: { readonly length: number }
}

/** Locations by split, then by index within it. */
export type Places = ReadonlyMap<string, ReadonlyMap<number, RecordPlace>>

/**
 * The locations of records, given by their splits and indexes. Reads the files again, up to the last record that is
 * wanted.
 */
export async function placesOf(input: DealtFiles, wanted: ReadonlyMap<string, ReadonlySet<number>>): Promise<Places> {
  const places = new Map([...wanted.keys()].map((split) => [split, new Map<number, RecordPlace>()]))
  let left = [...wanted.values()].reduce((sum, indexes) => sum + indexes.size, 0)
  for await (const { split, index, place } of dealt(input)) {
    if (left === 0) break
    if (wanted.get(split)?.has(index) !== true) continue
    places.get(split)!.set(index, { ...place })
    left--
  }
  return places
}

/**
 * The split and index of the record that begins on a line, or of the next record after it. Undefined if the file ends
 * before.
 */
export async function recordAt(
  input: DealtFiles,
  file: string,
  line: number,
): Promise<{ readonly split: string; readonly index: number } | undefined> {
  for await (const { split, index, place } of dealt(input))
    if (place.file === file && place.line >= line) return { split, index }
  return undefined
}

async function* dealt(input: DealtFiles) {
  const { source, files, logs } = input
  const numbering = numberingOf(source)
  const dealer = new Dealer(source, numbering, logs.length)
  const next = Array.from({ length: logs.length }, () => 0)
  for (const file of files) {
    const place = { file, line: 0 }
    for await (const record of linesOf(file, place)) {
      const { split } = dealer.deal(record)
      yield { split: numbering.splitId(source.name, split), index: next[split]!++, place }
    }
  }
}
