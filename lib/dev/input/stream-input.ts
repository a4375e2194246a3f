import { statSync } from 'node:fs'
import { ConfigError, messageOf } from '../../base/index.js'
import type { SourceInspector, SourceNode } from '../../ports/index.js'
import { Dealer } from './dealer.js'
import { linesOf } from './lines.js'
import { type Numbering, numberingOf } from './numbering.js'
import { placesOf, type RecordPlace } from './places.js'
import { SplitLog } from './split-log.js'

/**
 * Average number of lines per split that may wait for their poller: more than any batch. Reading the file pauses above
 * it.
 */
const BUFFERED_LINES_A_SPLIT = 40_000

/** How often the size of the buffer is checked, in lines. */
const CHECK_LINES = 1_000

/**
 * One source of a local run: files whose records are assigned to splits by the partition key, as a producer would do
 * it. It answers the questions that a real source answers (invariant 5).
 */
export class StreamInput implements SourceInspector {
  readonly bounded = true
  readonly source: SourceNode<any>
  readonly numbering: Numbering
  readonly logs: readonly SplitLog[]
  /** Size of the files on disk. */
  readonly bytes: number
  /** How many of these bytes have been read. */
  bytesRead = 0
  readonly files: readonly string[]
  private readonly dealer: Dealer
  private resumes: (() => void) | undefined
  private unchecked = 0
  private stopped = false
  private readonly linesMax: number

  /** `startAt` returns the index after the last checkpointed record of a split. */
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

  /** Reads the files to their end, as fast as the pollers consume their lines. */
  async read(): Promise<void> {
    for (const file of this.files) {
      const before = this.bytesRead
      const onRead = (bytes: number): void => {
        this.bytesRead = before + bytes
      }
      for await (const line of linesOf(file, undefined, onRead)) {
        // The rest of the file was not read, so no split may be marked as ended.
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

  /** Stops reading and delivering. */
  stop(): void {
    this.stopped = true
    for (const log of this.logs) log.stop()
    this.resumes?.()
  }

  /** Called when a poller has consumed lines. */
  taken(): void {
    this.resumes?.()
  }

  async list() {
    return this.logs.map((log) => ({ split: log.split, closed: log.ended }))
  }

  /** The location of a split's record in the files. */
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
      throw new ConfigError('bad-position', `The position of ${split} is not valid for this input: ${messageOf(error)}`)
    }
    if (log.total > next) return 'waiting'
    return log.ended ? 'nothing' : 'waiting'
  }
}
