import type { Line } from './lines.js'

/**
 * One split of an emulated stream: the lines assigned to it. Only those still to be delivered, and a few before them,
 * are kept.
 */
export class SplitLog {
  readonly split: string
  /** The index of the first line that is kept. */
  private base: number
  private lines: Line[] = []
  private keys: (string | null)[] = []
  /** How many lines were assigned so far, kept or not. */
  total = 0
  /** No line will follow. */
  ended = false
  private stopped = false
  private wakers: (() => void)[] = []

  /** Lines before `start` were delivered and checkpointed in an earlier run: they are counted, but not kept. */
  constructor(split: string, start: number) {
    this.split = split
    this.base = start
  }

  append(line: Line, key: string | null): void {
    if (this.total >= this.base) {
      this.lines.push(line)
      this.keys.push(key)
    }
    this.total++
    this.wake()
  }

  end(): void {
    this.ended = true
    this.wake()
  }

  /** Ends delivery even if lines are pending: the run was asked to stop. */
  stop(): void {
    this.stopped = true
    this.wake()
  }

  line(index: number): Line {
    return this.lines[index - this.base]!
  }

  key(index: number): string | null {
    return this.keys[index - this.base]!
  }

  get kept(): number {
    return this.lines.length
  }

  get first(): number {
    return this.base
  }

  /** Discards the lines before `index`. */
  forget(index: number): void {
    const count = Math.min(index - this.base, this.lines.length)
    if (count <= 0) return
    this.lines.splice(0, count)
    this.keys.splice(0, count)
    this.base += count
  }

  /**
   * Resolves when `count` lines are pending from `index` on, when fewer have been pending for the batching window, or
   * when no more lines will follow. The result is whether any line is pending. A mapping does the same: it sends a
   * batch when the batch is full or its window is over.
   */
  async ready(index: number, count: number, windowMs: number): Promise<boolean> {
    let over = false
    let timer: NodeJS.Timeout | undefined
    while (this.total < index + count && !this.ended && !this.stopped && !(over && this.total > index)) {
      if (this.total > index) {
        timer ??= setTimeout(() => {
          over = true
          this.wake()
        }, windowMs)
      }
      await new Promise<void>((resolve) => {
        this.wakers.push(resolve)
      })
    }
    clearTimeout(timer)
    return this.total > index && !this.stopped
  }

  private wake(): void {
    const { wakers } = this
    this.wakers = []
    for (const waker of wakers) waker()
  }
}
