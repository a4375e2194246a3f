import { statSync } from 'node:fs'
import { ConfigError, messageOf } from '../../base/index.js'
import type { SourceInspector, SourceNode } from '../../ports/index.js'
import { keyReader, payloadOf } from './key-of.js'
import { type Line, linesOf } from './lines.js'
import { kafkaPartition, kinesisShard } from './partition.js'
import { SplitLog } from './split-log.js'

/** Lines a split, on average, that wait for their poller: more than any batch. Beyond it the file is read no further. */
const BUFFERED_LINES_A_SPLIT = 40_000

/** How often the buffer's size is looked at, in lines. */
const CHECK_LINES = 1_000

/** How a connector names its splits and positions: as the real source does. */
export interface Numbering {
  splitId(source: string, index: number): string
  position(index: number): string
  /** The index of a position; -1 of the sentinel. */
  index(position: string): number
  partition(key: string, splits: number): number
}

const SEQUENCE_PREFIX = '495903382714902566085596925383615710959215759'
const offsets = {
  position: (index: number) => String(index).padStart(20, '0'),
  // A position within a record of many values has its record's index.
  index: (position: string) => (position === '0' ? -1 : Number.parseInt(position, 10)),
}
const NUMBERINGS: Readonly<Record<string, Numbering>> = {
  kinesis: {
    splitId: (_, index) => `shardId-${String(index).padStart(12, '0')}`,
    position: (index) => `056:${sequenceNumber(index)}`,
    index: (position) => (position === '0' ? -1 : Number(position.split(':')[1]!.slice(-11))),
    partition: kinesisShard,
  },
  kafka: { ...offsets, splitId: (source, index) => `${source}-${index}`, partition: kafkaPartition },
  file: { ...offsets, splitId: (_, index) => `part-${index}`, partition: kinesisShard },
}

/** A sequence number as Kinesis gives them: 56 digits. */
export function sequenceNumber(index: number): string {
  return SEQUENCE_PREFIX + String(index).padStart(11, '0')
}

export function numberingOf(source: SourceNode<any>): Numbering {
  const numbering = NUMBERINGS[source.connector]
  if (numbering !== undefined) return numbering
  throw new ConfigError(
    'no-emulation',
    `The local runner emulates kinesis, kafka and file sources; "${source.name}" is ${source.connector}.`,
  )
}

/** One source of a local run: files dealt to splits by the partition key, as a producer would have, and asked as a source can be (law 5). */
export class StreamInput implements SourceInspector {
  readonly bounded = true
  readonly source: SourceNode<any>
  readonly numbering: Numbering
  readonly logs: readonly SplitLog[]
  /** Of the files as they lie on the disk. */
  readonly bytes: number
  /** How many of them have been read. */
  bytesRead = 0
  private readonly files: readonly string[]
  /** Records that cannot be read have no key; they go to the first split, whose handler rejects them. */
  private readonly keyOf: (line: Line) => string | null
  private resumes: (() => void) | undefined
  private unchecked = 0
  private stopped = false
  private readonly linesMax: number

  /** `startAt` gives the index after the last checkpointed record of a split. */
  constructor(source: SourceNode<any>, files: readonly string[], splits: number, startAt: (split: string) => number) {
    this.source = source
    this.files = files
    this.bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
    this.keyOf = keyReader(source)
    this.linesMax = splits * BUFFERED_LINES_A_SPLIT
    this.numbering = numberingOf(source)
    if (splits > 1 && source.partitionKey === undefined) {
      throw new ConfigError(
        'no-partition-key',
        `--splits ${splits} deals the records of "${source.name}" by their partition key, but the source has none. Give it partitionKey, or use --splits 1.`,
      )
    }
    this.logs = Array.from({ length: splits }, (_, index) => {
      const split = this.numbering.splitId(source.name, index)
      return new SplitLog(split, startAt(split))
    })
  }

  /** Reads the files to their end, as fast as the pollers take their lines. */
  async read(): Promise<void> {
    for (const file of this.files) {
      const before = this.bytesRead
      const onRead = (bytes: number): void => {
        this.bytesRead = before + bytes
      }
      for await (const line of linesOf(file, onRead)) {
        // What is not read has not ended: no split may be told so.
        if (this.stopped) return
        const record = payloadOf(this.source, line)
        const key = this.keyOf(record)
        const log =
          this.logs.length === 1 || key === null
            ? this.logs[0]!
            : this.logs[this.numbering.partition(key, this.logs.length)]!
        log.append(record, key)
        if (++this.unchecked >= CHECK_LINES && this.buffered() > this.linesMax) await this.drained()
      }
    }
    for (const log of this.logs) log.end()
  }

  private buffered(): number {
    return this.logs.reduce((sum, log) => sum + log.kept, 0)
  }

  private async drained(): Promise<void> {
    this.unchecked = 0
    while (this.buffered() > this.linesMax / 2 && !this.stopped) {
      await new Promise<void>((resolve) => {
        this.resumes = resolve
      })
    }
  }

  /** Reads and delivers no further. */
  stop(): void {
    this.stopped = true
    for (const log of this.logs) log.stop()
    this.resumes?.()
  }

  /** A poller took lines away. */
  taken(): void {
    this.resumes?.()
  }

  async list() {
    return this.logs.map((log) => ({ split: log.split, closed: log.ended }))
  }

  async peek(split: string, after: string): Promise<'waiting' | 'nothing' | 'unknown'> {
    const log = this.logs.find((candidate) => candidate.split === split)
    if (log === undefined) return 'unknown'
    let next: number
    try {
      next = this.numbering.index(after) + 1
    } catch (error) {
      throw new ConfigError('bad-position', `The position of ${split} is none of this input: ${messageOf(error)}`)
    }
    if (log.total > next) return 'waiting'
    return log.ended ? 'nothing' : 'waiting'
  }
}
