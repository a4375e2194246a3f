/** A call that waits for its turn. */
export interface Waiting {
  readonly process: Process
  readonly label: string
  readonly go: () => void
}

/** The process of a container. When it is dead, no call in it settles; when it is parked, its calls get no turn. */
export class Process {
  readonly name: string
  readonly skewMs: { now: number }
  /** Called once, when it dies. */
  onDeath: () => void = () => undefined
  parked: Waiting[] | undefined
  private dead = false

  constructor(name: string, skewMs: number) {
    this.name = name
    this.skewMs = { now: skewMs }
  }

  get isDead(): boolean {
    return this.dead
  }

  kill(): void {
    if (this.dead) return
    this.dead = true
    this.parked = undefined
    this.onDeath()
  }
}
