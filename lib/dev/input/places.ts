import type { SourceNode } from '../../ports/index.js'
import { Dealer } from './dealer.js'
import { linesOf } from './lines.js'
import { numberingOf } from './numbering.js'

/** Where a record of a local run came from: a file, and the line on which it begins, from 1. */
export interface RecordPlace {
  readonly file: string
  readonly line: number
}

/** The files of a source, and how many splits its records are dealt to. */
export interface DealtFiles {
  readonly source: SourceNode<any>
  readonly files: readonly string[]
  readonly logs: { readonly length: number }
}

/** Places by split and index within it. */
export type Places = ReadonlyMap<string, ReadonlyMap<number, RecordPlace>>

/**
 * Where records came from, by their splits and their indexes in these. Reads the files once more, up to the last record
 * that is wanted.
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
 * The split and the index of the record that begins on a line, or on the first after it. Undefined where the file ends
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
