import type { Line } from './lines.js'

/**
 * One split of an emulated stream: the lines dealt to it, of which only those still to be delivered (and a few before)
 * are kept.
 */
export class SplitLog {
  readonly split: string
  /** The index of the first line kept. */
  private base: number
  private lines: Line[] = []
  private keys: (string | null)[] = []
  /** Lines dealt so far, kept or not. */
  total = 0
  /** No line will follow. */
  ended = false
  private stopped = false
  private wakers: (() => void)[] = []

  /** Lines before `start` were delivered and checkpointed in an earlier run: they are counted, not kept. */
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

  /** Nothing is delivered any more, though lines may wait: the run was asked to stop. */
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

  /** Forgets lines before `index`. */
  forget(index: number): void {
    const count = Math.min(index - this.base, this.lines.length)
    if (count <= 0) return
    this.lines.splice(0, count)
    this.keys.splice(0, count)
    this.base += count
  }

  /**
   * Resolves when `count` lines wait from `index` on, when fewer have waited for the batching window, or when no more
   * will come: whether there is any. As a mapping does, which sends a batch when it is full or its window is over.
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
