import type { OperatorPlan } from '../pipeline/index.js'
import type { Cell, LateCell } from './segment.js'

/** What all splits have in one slice of one key group, merged. */
export interface SliceData {
  readonly end: number
  readonly cells: Map<string, Cell>
  /** Rows that travel in this slice but belong to earlier ones, by key. */
  readonly lates: Map<string, LateCell[]>
}

/**
 * Slices of one key group, or of some of its keys, in memory. What is closed never changes (invariant 7), so a copy of
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

  /** Whether it is new here: what is merged takes no more heap, but for folds that grow. */
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
    // Entries of a segment come slice by slice.
    if (this.last?.end === end) return this.last
    let data = this.slices.get(end)
    if (data === undefined) {
      data = { end, cells: new Map(), lates: new Map() }
      this.slices.set(end, data)
    }
    this.last = data
    return data
  }

  /** Forgets slices for which `test` holds. */
  forget(test: (end: number) => boolean): void {
    this.last = undefined
    for (const end of this.slices.keys()) if (test(end)) this.slices.delete(end)
  }
}
