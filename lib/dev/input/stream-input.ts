import { statSync } from 'node:fs'
import { ConfigError, messageOf } from '../../base/index.js'
import type { SourceInspector, SourceNode } from '../../ports/index.js'
import { Dealer } from './dealer.js'
import { linesOf } from './lines.js'
import { type Numbering, numberingOf } from './numbering.js'
import { placesOf, type RecordPlace } from './places.js'
import { SplitLog } from './split-log.js'

/**
 * Lines a split, on average, that wait for their poller: more than any batch. Beyond it the file is read no further.
 */
const BUFFERED_LINES_A_SPLIT = 40_000

/** How often the buffer's size is looked at, in lines. */
const CHECK_LINES = 1_000

/**
 * One source of a local run: files dealt to splits by the partition key, as a producer would have, and asked as a
 * source can be (invariant 5).
 */
export class StreamInput implements SourceInspector {
  readonly bounded = true
  readonly source: SourceNode<any>
  readonly numbering: Numbering
  readonly logs: readonly SplitLog[]
  /** Of the files as they lie on the disk. */
  readonly bytes: number
  /** How many of them have been read. */
  bytesRead = 0
  readonly files: readonly string[]
  private readonly dealer: Dealer
  private resumes: (() => void) | undefined
  private unchecked = 0
  private stopped = false
  private readonly linesMax: number

  /** `startAt` gives the index after the last checkpointed record of a split. */
  constructor(source: SourceNode<any>, files: readonly string[], splits: number, startAt: (split: string) => number) {
    this.source = source
    this.files = files
    this.bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
    this.linesMax = splits * BUFFERED_LINES_A_SPLIT
    this.numbering = numberingOf(source)
    this.dealer = new Dealer(source, this.numbering, splits)
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
      for await (const line of linesOf(file, undefined, onRead)) {
        // What is not read has not ended: no split may be told so.
        if (this.stopped) return
        const { record, key, split } = this.dealer.deal(line)
        this.logs[split]!.append(record, key)
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

  /** Where in the files a record of a split came from. */
  async placeOf(split: string, index: number): Promise<RecordPlace | undefined> {
    const places = await placesOf(this, new Map([[split, new Set([index])]]))
    return places.get(split)?.get(index)
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
