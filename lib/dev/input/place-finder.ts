import { numberingOf } from './numbering.js'
import { type DealtFiles, type Places, placesOf, type RecordPlace } from './places.js'

/** A record as a dead letter names it. */
export interface NamedRecord {
  readonly source: string
  readonly split: string
  readonly position: string
}

/** Finds the locations of many records, reading each source's files once. */
export class PlaceFinder {
  private readonly inputs: ReadonlyMap<string, DealtFiles>
  private readonly indexes = new Map<string, Map<string, Set<number>>>()
  private readonly places = new Map<string, Places>()

  constructor(inputs: readonly DealtFiles[]) {
    this.inputs = new Map(inputs.map((input) => [input.source.name, input]))
  }

  /** A record whose location is wanted. */
  add({ source, split, position }: NamedRecord): void {
    const index = this.index(source, position)
    if (index === undefined) return
    const splits = this.indexes.get(source) ?? new Map<string, Set<number>>()
    this.indexes.set(source, splits)
    const indexes = splits.get(split)
    if (indexes === undefined) splits.set(split, new Set([index]))
    else indexes.add(index)
  }

  /** Finds all records that were added. */
  async find(): Promise<void> {
    for (const [source, splits] of this.indexes)
      this.places.set(source, await placesOf(this.inputs.get(source)!, splits))
  }

  place(source: string, split: string, position: string): RecordPlace | undefined {
    const index = this.index(source, position)
    return index === undefined ? undefined : this.places.get(source)?.get(split)?.get(index)
  }

  /** Undefined if the row is not a record of an input. */
  private index(source: string, position: string): number | undefined {
    const input = this.inputs.get(source)
    return input === undefined ? undefined : numberingOf(input.source).index(position)
  }
}
