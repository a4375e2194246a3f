import type { OpenWindow } from './open-window.js'

/**
 * The windows of a key by ascending start. Their ends ascend too, whatever the kind of window: sessions do not touch,
 * and others begin and end in the same order. So windows are found by halving, and those that are over come first.
 */
export class WindowList {
  readonly items: OpenWindow[]

  constructor(items: OpenWindow[]) {
    this.items = items
  }

  /** The windows that touch an interval. They are consecutive. */
  touching(start: number, end: number): OpenWindow[] {
    const from = this.first((window) => window.end >= start)
    let to = from
    while (to < this.items.length && this.items[to]!.start <= end) to++
    return this.items.slice(from, to)
  }

  /** The window of exactly this interval, as a list. */
  sameAs(start: number, end: number): OpenWindow[] {
    const at = this.first((window) => window.end >= end)
    const found = this.items[at]
    return found?.start === start && found.end === end ? [found] : []
  }

  add(window: OpenWindow): void {
    this.items.splice(
      this.first(({ start, end }) => start > window.start || end > window.end),
      0,
      window,
    )
  }

  /** Removes consecutive windows. */
  remove(windows: readonly OpenWindow[]): void {
    const { start, end } = windows[0]!
    this.items.splice(
      this.first((window) => window.start >= start && window.end >= end),
      windows.length,
    )
  }

  /** The first window whose result in time is still to come. */
  get open(): OpenWindow | undefined {
    return this.items[this.first(({ isOver }) => !isOver)]
  }

  /** The index of the first window for which a test holds that holds for all after it. */
  private first(test: (window: OpenWindow) => boolean): number {
    let low = 0
    let high = this.items.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (test(this.items[middle]!)) high = middle
      else low = middle + 1
    }
    return low
  }
}
