import type { SinkBatch } from '../../ports/index.js'
import type { SimLog } from './log.js'
import type { Process } from './process.js'

/** Maximum number of requests of one invocation since a position or a cursor last moved. */
const REQUESTS_MAX = 600

/** The parts of a world that are checked. */
interface Watched {
  readonly lambda: { onStart: (process: Process) => void }
  readonly table: { onMove: (process: Process) => void }
  readonly ports: { onRequest: (process: Process) => void }
  readonly sinks: { onRows: (process: Process, sink: string, batches: readonly SinkBatch[]) => void }
  readonly checks: { fail(what: string): void }
  readonly logs: readonly SimLog[]
}

interface Chunk {
  readonly name: string
  /** Rows by the source record that they are derived from. */
  readonly units: Map<string, Set<string>>
}

/** Invariant 11: the work of an attempt before its next checkpoint is bounded, whatever its records and windows are. */
export class Work {
  private readonly chunks = new WeakMap<Process, Chunk>()
  private readonly asked = new WeakMap<Process, number>()
  private readonly world: Watched
  private readonly chunkRows: number

  constructor(world: Watched, chunkRows: number) {
    this.world = world
    this.chunkRows = chunkRows
    world.lambda.onStart = (process) => this.asked.set(process, 0)
    world.table.onMove = (process) => this.asked.set(process, 0)
    world.ports.onRequest = (process) => this.request(process)
    world.sinks.onRows = (process, sink, batches) => this.rows(process, sink, batches)
  }

  private fail(what: string): void {
    this.world.checks.fail(what)
  }

  private isSource(split: string): boolean {
    return this.world.logs.some((log) => split === `${log.plan.source}/${log.splitId}`)
  }

  private request(process: Process): void {
    const asked = (this.asked.get(process) ?? 0) + 1
    this.asked.set(process, asked)
    if (asked === REQUESTS_MAX)
      this.fail(`invariant 11: ${process.name} has made ${asked} requests without a checkpoint`)
  }

  /** A chunk that has reached its limit of rows accepts no further source record. */
  private rows(process: Process, sink: string, batches: readonly SinkBatch[]): void {
    for (const batch of batches) {
      if (batch.kind !== 'split' || !this.isSource(batch.split)) continue
      const name = `${batch.split} ${batch.from} ${batch.to}`
      let chunk = this.chunks.get(process)
      if (chunk?.name !== name) {
        chunk = { name, units: new Map() }
        this.chunks.set(process, chunk)
      }
      for (const { id, order, value } of batch.rows) {
        // Rows that a sink refused are in addition to the rows of the records.
        if ((value as { reason?: unknown } | null)?.reason === 'sink-refused') continue
        const unit = order.split(':').slice(0, 2).join(':')
        let rows = chunk.units.get(unit)
        if (rows === undefined) {
          rows = new Set()
          chunk.units.set(unit, rows)
        }
        rows.add(`${sink} ${id}`)
      }
      this.check(chunk)
    }
  }

  private check({ name, units }: Chunk): void {
    const last = [...units.keys()].reduce((latest, unit) => (unit > latest ? unit : latest), '')
    let before = 0
    for (const [unit, rows] of units) if (unit !== last) before += rows.size
    if (before >= this.chunkRows)
      this.fail(
        `invariant 11: the chunk ${name} has ${before} rows before its last record, but the limit is ${this.chunkRows}`,
      )
  }
}
