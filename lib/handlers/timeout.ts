const DEFAULT_TIMEOUT_MS = 60_000

/**
 * The function's timeout, as far as it is known: the bound value, or else the longest time an invocation began with.
 */
export class FunctionTimeout {
  private readonly bound: number | undefined
  private most = 0

  constructor(bound: number | undefined) {
    this.bound = bound
  }

  get ms(): number {
    return this.bound ?? (this.most > 0 ? this.most : DEFAULT_TIMEOUT_MS)
  }

  note(remainingMs: number): void {
    this.most = Math.max(this.most, remainingMs)
  }
}
