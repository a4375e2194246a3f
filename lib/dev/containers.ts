import { RetryableError } from '../base/index.js'
import { advance, type Bindings, type Handler, ingest, tick } from '../handlers/index.js'
import type { Pipeline } from '../pipeline/index.js'
import { type Faults, Process } from './chaos.js'

type Function = 'ingest' | 'advance' | 'tick'

interface Container {
  readonly process: Process
  readonly handlers: Readonly<Record<Function, Handler>>
}

/**
 * Execution environments as Lambda keeps them. Each runs one invocation at a time and is reused while warm, the most
 * recently used first. A killed invocation ends its environment. One that hangs is abandoned at the timeout and may go
 * on as a zombie.
 */
export class Containers {
  invocations = 0
  /** Wall time inside handlers, ms. */
  busyMs = 0
  private readonly idle: Container[] = []
  private stopped = false
  private readonly pipeline: Pipeline
  private readonly bindings: (process: Process) => Bindings
  private readonly faults: Faults
  private readonly timeoutMs: number

  constructor(pipeline: Pipeline, bindings: (process: Process) => Bindings, faults: Faults, timeoutMs: number) {
    this.pipeline = pipeline
    this.bindings = bindings
    this.faults = faults
    this.timeoutMs = timeoutMs
  }

  /** Ends the time of every invocation: its work stops at the next checkpoint (invariant 11). */
  stop(): void {
    this.stopped = true
  }

  async invoke(name: Function, event: unknown): Promise<unknown> {
    const container = this.idle.pop() ?? this.start()
    const started = performance.now()
    const context = {
      getRemainingTimeInMillis: () => (this.stopped ? 0 : this.timeoutMs - (performance.now() - started)),
      awsRequestId: String(this.invocations++),
    }
    const work = container.handlers[name](event, context)
    // Work that outlives its environment must not end the run.
    work.catch(() => undefined)
    const abandoned = this.faults
      .abandon()
      ?.then(() => Promise.reject(new RetryableError('timeout', 'The invocation timed out.')))
    try {
      const answer = await Promise.race([work, container.process.killed, ...(abandoned ? [abandoned] : [])])
      if (abandoned === undefined) this.idle.push(container)
      return answer
    } catch (error) {
      // An environment that was killed or timed out is not reused; work that still runs in it is a zombie.
      if (abandoned === undefined && !container.process.dead) this.idle.push(container)
      throw error
    } finally {
      abandoned?.catch(() => undefined)
      this.busyMs += performance.now() - started
    }
  }

  private start(): Container {
    const process = new Process()
    const bindings = this.bindings(process)
    const handlers = {
      ingest: ingest(this.pipeline, bindings),
      advance: advance(this.pipeline, bindings),
      tick: tick(this.pipeline, bindings),
    }
    return { process, handlers }
  }
}
