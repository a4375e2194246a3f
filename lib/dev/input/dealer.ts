import { ConfigError } from '../../base/index.js'
import type { SourceNode } from '../../ports/index.js'
import { keyReader, payloadOf } from './key-of.js'
import type { Line } from './lines.js'
import type { Numbering } from './numbering.js'

/** A record of a file with the index of its split and its key, as a producer would have sent it. */
export interface Dealt {
  readonly record: Line
  readonly key: string | null
  readonly split: number
}

/** Assigns the records of a source's files to splits by their partition key, as a producer would. */
export class Dealer {
  private readonly source: SourceNode<any>
  private readonly numbering: Numbering
  private readonly splits: number
  /** A record that cannot be read has no key. It goes to the first split, whose handler rejects it. */
  private readonly keyOf: (line: Line) => string | null

  /** @throws {ConfigError} `no-partition-key` */
  constructor(source: SourceNode<any>, numbering: Numbering, splits: number) {
    if (splits > 1 && source.partitionKey === undefined)
      throw new ConfigError(
        'no-partition-key',
        `--splits ${splits} assigns the records of "${source.name}" to splits by their partition key, but the source has none. Set partitionKey on the source, or use --splits 1.`,
      )
    this.source = source
    this.numbering = numbering
    this.splits = splits
    this.keyOf = keyReader(source)
  }

  deal(line: Line): Dealt {
    const record = payloadOf(this.source, line)
    const key = this.keyOf(record)
    const split = this.splits === 1 || key === null ? 0 : this.numbering.partition(key, this.splits)
    return { record, key, split }
  }
}
