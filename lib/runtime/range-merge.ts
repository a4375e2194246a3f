import type { OperatorPlan } from '../pipeline/index.js'
import type { Interval } from '../window/index.js'
import type { Fold } from './panes.js'

/** With more folds than this in a window, a tree of merged ranges costs less than merging them one by one. */
const DIRECT_MAX = 8

export function mergeAccs(operator: OperatorPlan, a: readonly any[], b: readonly any[]): readonly any[] {
  return operator.folds.map((fold, i) => fold.merge(a[i], b[i]))
}

/**
 * Merges the folds of one key by window. Callers ask for windows by ascending end. A fold counts in the windows that
 * contain its own slice and do not end before `first` (invariant 1), so it is added once and is never removed. Merging
 * is associative and commutative to the last bit (invariant 13), so a tree of ranges over the own slices gives the same
 * result as merging one by one.
 */
export class RangeMerge {
  private readonly operator: OperatorPlan
  /** Sorted by own slice. */
  private readonly folds: readonly Fold[]
  /** Indices of folds, sorted by the end of the first window in which they count. */
  private readonly arrivals: readonly number[]
  private arrived = 0
  private readonly here: boolean[]
  /**
   * A binary tree: node i has the children 2i and 2i + 1, and the leaves begin at `size`. It is built when it first
   * pays.
   */
  private tree: (readonly any[] | undefined)[] | undefined
  private readonly size: number

  constructor(operator: OperatorPlan, folds: readonly Fold[]) {
    this.operator = operator
    this.folds = [...folds].sort((a, b) => a.own - b.own)
    this.arrivals = this.folds.map((_, i) => i).sort((a, b) => this.folds[a]!.first - this.folds[b]!.first)
    this.here = this.folds.map(() => false)
    let size = 1
    while (size < this.folds.length) size *= 2
    this.size = size
  }

  /** The merge of everything that counts in a window; undefined if nothing does. */
  merged(window: Interval): readonly any[] | undefined {
    const [from, to] = this.range(window)
    if (to - from > DIRECT_MAX) return this.query(from, to)
    let accs: readonly any[] | undefined
    for (let i = from; i < to; i++) if (this.here[i]) accs = this.join(accs, this.folds[i]!.accs)
    return accs
  }

  /**
   * The ends of the slices whose closing emitted something for this window: the window's own end for folds that were on
   * time, otherwise the slice that carried the fold.
   */
  closings(window: Interval): ReadonlySet<number> {
    const [from, to] = this.range(window)
    const found = new Set<number>()
    for (let i = from; i < to; i++) if (this.here[i]) found.add(Math.max(this.folds[i]!.carrier, window.end))
    return found
  }

  /**
   * Adds the folds that count from this window on, and returns the range of the folds whose own slice lies in the
   * window.
   */
  private range({ start, end }: Interval): [from: number, to: number] {
    const { folds, arrivals } = this
    for (; this.arrived < arrivals.length; this.arrived++) {
      const i = arrivals[this.arrived]!
      if (folds[i]!.first > end) break // guard: late-first-window
      this.here[i] = true
      if (this.tree !== undefined) this.put(i)
    }
    return [this.after(start), this.after(end)]
  }

  private after(own: number): number {
    const { folds } = this
    let lo = 0
    let hi = folds.length
    while (lo < hi) {
      const middle = (lo + hi) >> 1
      if (folds[middle]!.own <= own) lo = middle + 1
      else hi = middle
    }
    return lo
  }

  private put(i: number): void {
    const tree = this.tree!
    let node = this.size + i
    tree[node] = this.folds[i]!.accs
    for (node >>= 1; node >= 1; node >>= 1) tree[node] = this.join(tree[2 * node], tree[2 * node + 1])
  }

  private grown(): (readonly any[] | undefined)[] {
    if (this.tree === undefined) {
      const tree: (readonly any[] | undefined)[] = new Array(2 * this.size)
      for (let i = 0; i < this.folds.length; i++) if (this.here[i]) tree[this.size + i] = this.folds[i]!.accs
      for (let node = this.size - 1; node >= 1; node--) tree[node] = this.join(tree[2 * node], tree[2 * node + 1])
      this.tree = tree
    }
    return this.tree
  }

  private query(from: number, to: number): readonly any[] | undefined {
    const tree = this.grown()
    let accs: readonly any[] | undefined
    for (let lo = this.size + from, hi = this.size + to; lo < hi; lo >>= 1, hi >>= 1) {
      if (lo & 1) accs = this.join(accs, tree[lo++])
      if (hi & 1) accs = this.join(accs, tree[--hi])
    }
    return accs
  }

  private join(a: readonly any[] | undefined, b: readonly any[] | undefined): readonly any[] | undefined {
    return a === undefined ? b : b === undefined ? a : mergeAccs(this.operator, a, b)
  }
}
