import type { OperatorPlan } from '../pipeline/index.js'
import type { Cell, LateCell } from './segment.js'

/** The merged data of all splits in one slice of one key group. */
export interface SliceData {
  readonly end: number
  readonly cells: Map<string, Cell>
  /** Rows that this slice carries but that belong to earlier slices, by key. */
  readonly lates: Map<string, LateCell[]>
}

/**
 * Slices of one key group, or of some of its keys, in memory. A closed slice never changes (invariant 7), so a copy of
 * it is never stale.
 */
export class SliceCache {
  readonly slices = new Map<number, SliceData>()
  private last: SliceData | undefined
  private readonly folds: OperatorPlan['folds']

  constructor({ folds }: OperatorPlan) {
    this.folds = folds
  }

  get(end: number): SliceData | undefined {
    return this.slices.get(end)
  }

  /** Returns whether the cell is new here. A merge takes no more heap, except for folds that grow. */
  addCell(slice: number, cell: Cell): boolean {
    const { cells } = this.at(slice)
    const mine = cells.get(cell.text)
    if (mine === undefined) cells.set(cell.text, cell)
    else this.merge(mine.accs, cell.accs)
    return mine === undefined
  }

  addLate(late: LateCell): boolean {
    const { lates } = this.at(late.carrier)
    const list = lates.get(late.text)
    const same = list?.find(({ own, first }) => own === late.own && first === late.first)
    if (same !== undefined) this.merge(same.accs, late.accs)
    else if (list === undefined) lates.set(late.text, [late])
    else list.push(late)
    return same === undefined
  }

  private merge(mine: any[], theirs: readonly any[]): void {
    const { folds } = this
    for (let i = 0; i < folds.length; i++) mine[i] = folds[i]!.merge(mine[i], theirs[i])
  }

  private at(end: number): SliceData {
    // The entries of a segment arrive slice by slice.
    if (this.last?.end === end) return this.last
    let data = this.slices.get(end)
    if (data === undefined) {
      data = { end, cells: new Map(), lates: new Map() }
      this.slices.set(end, data)
    }
    this.last = data
    return data
  }

  /** Drops the slices for which `test` returns true. */
  forget(test: (end: number) => boolean): void {
    this.last = undefined
    for (const end of this.slices.keys()) if (test(end)) this.slices.delete(end)
  }
}
