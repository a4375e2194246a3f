import { rowJson } from '../../base/index.js'
import type { RefusedRow, Sink, SinkBatch, SinkNode, SinkRow } from '../../ports/index.js'
import type { Invariants } from './invariants.js'
import { injected, type Ports } from './ports.js'
import type { Process } from './process.js'

interface Held {
  /** Rows by id: their content and their order. */
  readonly rows: Map<string, string>
  /** The highest `to` of each split. */
  readonly reached: Map<string, string>
  /** The ids of each part. */
  readonly parts: Map<string, string>
  readonly refused: Set<string>
  /** The ids of rows that are deletes. */
  readonly deletes: Set<string>
}

/**
 * All sinks of a world. They check that a row's id never has two contents, that a part never has different rows, and
 * that no row of a split follows after a sink was told that all rows up to it are complete. Under these conditions,
 * every implementation of exactly-once that the port allows gives the same rows.
 */
export class SimSinks {
  private readonly held = new Map<string, Held>()
  private readonly ports: Ports
  private readonly checks: Invariants
  /** Called with the batches that each process writes. */
  onRows: (process: Process, sink: string, batches: readonly SinkBatch[]) => void = () => undefined
  private readonly refuses: (sink: string, row: SinkRow) => string | undefined

  constructor(ports: Ports, checks: Invariants, refuses: (sink: string, row: SinkRow) => string | undefined) {
    this.ports = ports
    this.checks = checks
    this.refuses = refuses
  }

  open(process: Process, node: SinkNode<any>): Sink {
    return {
      write: (batches) => {
        this.onRows(process, node.name, batches)
        const label = `${process.name} sink ${node.name} ${batches.map(nameOf).join(' ')}`
        return this.ports.call(process, label, true, () => this.write(node.name, batches))
      },
      close: async () => undefined,
    }
  }

  /** Whether a sink received rows of the split beyond this position. */
  isAhead(split: string, position: string): boolean {
    for (const { reached } of this.held.values()) if ((reached.get(split) ?? '') > position) return true
    return false
  }

  /** The content of each sink, by id. */
  rows(): Map<string, ReadonlyMap<string, string>> {
    return new Map([...this.held].map(([name, held]) => [name, held.rows]))
  }

  /** The ids of the rows of each sink that delete a row. */
  deletes(): Map<string, ReadonlySet<string>> {
    return new Map([...this.held].map(([name, held]) => [name, held.deletes]))
  }

  private async write(sink: string, batches: readonly SinkBatch[]): Promise<readonly RefusedRow[]> {
    const { swarm } = this.ports
    if (swarm.strikes('sink-reject')) throw injected('sink-failed', 'the sink accepts nothing')
    if (swarm.strikes('sink-partial')) {
      this.take(sink, batches.slice(0, swarm.below(batches.length + 1)))
      throw injected('sink-failed', 'the sink accepted some rows')
    }
    // The rows of a caller are serialized when they are sent, so that a late write has their content of that time.
    const texts = texted(batches)
    if (swarm.strikes('sink-late-effect')) {
      this.ports.later(`late: sink ${sink}`, async () => this.take(sink, batches, texts))
      throw injected('sink-failed', 'no answer, and the rows are written later')
    }
    const refused = this.take(sink, batches, texts)
    if (swarm.strikes('sink-lost-answer')) throw injected('sink-failed', 'the answer was lost')
    return refused
  }

  private take(sink: string, batches: readonly SinkBatch[], texts = texted(batches)): RefusedRow[] {
    const held = this.of(sink)
    const refused: RefusedRow[] = []
    let at = 0
    for (const batch of batches) {
      const ids: string[] = []
      for (const row of batch.rows) {
        const text = texts[at++]!
        ids.push(row.id)
        const reason = this.refuses(sink, row)
        if (reason !== undefined) {
          refused.push({ batch, row, reason })
          if (!held.refused.has(row.id)) this.ports.swarm.count('refused-row')
          held.refused.add(row.id)
        } else this.keep(sink, held, batch, row, text)
      }
      if (batch.kind === 'split') {
        if (batch.to > (held.reached.get(batch.split) ?? '')) held.reached.set(batch.split, batch.to)
      } else this.part(sink, held, `${batch.operator} ${batch.part}`, ids)
    }
    return refused
  }

  private keep(sink: string, held: Held, batch: SinkBatch, row: SinkRow, text: string): void {
    const known = held.rows.get(row.id)
    if (known !== undefined) {
      if (known !== text) this.checks.fail(`invariant 8: ${sink} gets ${row.id} twice, as ${known} and as ${text}`)
      return
    }
    if (batch.kind === 'split') {
      if (row.order <= batch.from || row.order > batch.to)
        this.checks.fail(`${sink} gets ${row.id} of ${row.order} in a batch of (${batch.from}, ${batch.to}]`)
      if (row.order <= (held.reached.get(batch.split) ?? ''))
        this.checks.fail(
          `invariant 3: ${sink} was told that all rows of ${batch.split} up to ${row.order} are complete; now ${row.id} arrives`,
        )
    }
    held.rows.set(row.id, text)
    if (row.op === '-') held.deletes.add(row.id)
  }

  private part(sink: string, held: Held, name: string, ids: readonly string[]): void {
    const rows = ids.join()
    const known = held.parts.get(name)
    if (known === undefined) held.parts.set(name, rows)
    else if (known !== rows)
      this.checks.fail(`invariant 8: ${sink} gets the part ${name} as [${known}] and as [${rows}]`)
  }

  private of(sink: string): Held {
    let held = this.held.get(sink)
    if (held === undefined) {
      held = { rows: new Map(), reached: new Map(), parts: new Map(), refused: new Set(), deletes: new Set() }
      this.held.set(sink, held)
    }
    return held
  }
}

const nameOf = (batch: SinkBatch): string =>
  batch.kind === 'operator' ? `${batch.operator}/${batch.part}` : `${batch.split}->${batch.to}`

const texted = (batches: readonly SinkBatch[]): string[] =>
  batches.flatMap(({ rows }) => rows.map(({ value }) => rowJson(value)))
