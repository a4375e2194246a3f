/** What the simulated service asks of the world that it runs in. */
export interface ServiceWorld {
  /**
   * Waits for its turn; the scheduler decides when. `label` names the call for the trace. Resolves when the call may go
   * on.
   */
  turn(label: string): Promise<void>
  /** Whether a fault of this kind happens now, by the seed; true is counted as an injection. */
  strikes(kind: string): boolean
  /** A whole number from 0 to n - 1, by the seed. */
  below(n: number): number
  /** Runs this effect at some later turn of the scheduler. */
  later(label: string, effect: () => void): void
  /** Waits in virtual time (pauses between attempts). */
  pause(ms: number): Promise<void>
  /** Virtual time, ms. */
  now(): number
}
