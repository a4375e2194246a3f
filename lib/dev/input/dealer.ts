import { ConfigError } from '../../base/index.js'
import type { SourceNode } from '../../ports/index.js'
import { keyReader, payloadOf } from './key-of.js'
import type { Line } from './lines.js'
import type { Numbering } from './numbering.js'

/** A record of a file, as a producer would have sent it: the index of its split, and its key. */
export interface Dealt {
  readonly record: Line
  readonly key: string | null
  readonly split: number
}

/** Deals the records of a source's files to its splits by their partition key, as a producer would have. */
export class Dealer {
  private readonly source: SourceNode<any>
  private readonly numbering: Numbering
  private readonly splits: number
  /** Records that cannot be read have no key; they go to the first split, whose handler rejects them. */
  private readonly keyOf: (line: Line) => string | null

  /** @throws {ConfigError} `no-partition-key` */
  constructor(source: SourceNode<any>, numbering: Numbering, splits: number) {
    if (splits > 1 && source.partitionKey === undefined)
      throw new ConfigError(
        'no-partition-key',
        `--splits ${splits} deals the records of "${source.name}" by their partition key, but the source has none. Give it partitionKey, or use --splits 1.`,
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
