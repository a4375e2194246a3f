/** Names by slice, for slices in order: what is to be done when a slice closes. */
export class Agenda<T> {
  private readonly bySlice = new Map<number, Set<T>>()
  /** The slices, the latest first. */
  private readonly ends: number[] = []

  private count = 0

  /** How many names there are, each counted in every slice that has it. */
  get size(): number {
    return this.count
  }

  add(slice: number, item: T): void {
    let items = this.bySlice.get(slice)
    if (items === undefined) {
      items = new Set()
      this.bySlice.set(slice, items)
      let at = this.ends.length
      while (at > 0 && this.ends[at - 1]! < slice) at--
      this.ends.splice(at, 0, slice)
    }
    if (items.has(item)) return
    items.add(item)
    this.count++
  }

  /** The first slice after this one that has something to do. */
  next(after: number): number | undefined {
    while (this.ends.length > 0 && this.ends.at(-1)! <= after) {
      const end = this.ends.pop()!
      this.count -= this.bySlice.get(end)!.size
      this.bySlice.delete(end)
    }
    return this.ends.at(-1)
  }

  at(slice: number): ReadonlySet<T> {
    return this.bySlice.get(slice) ?? NOTHING
  }

  clear(): void {
    this.bySlice.clear()
    this.count = 0
    this.ends.length = 0
  }
}

const NOTHING: ReadonlySet<never> = new Set()
