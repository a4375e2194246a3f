import type { SinkBatch, SinkNode, SinkRow } from '../ports/index.js'
import type { Host } from './host.js'

/** Hands a split's rows to their sinks, before its segments and its checkpoint (law 3). */
export async function writeSplitRows(
  host: Host,
  split: string,
  from: string,
  to: string,
  rows: ReadonlyMap<SinkNode<any>, readonly SinkRow[]>,
): Promise<void> {
  for (const [node, list] of rows) {
    if (list.length === 0) continue
    const sink = await host.sink(node)
    await sink.write([{ kind: 'split', split, from, to, rows: list }])
    host.services.metrics.add('SinkRows', list.length, 'Count')
  }
}

/** Collects an operator's parts per sink and hands them over together. */
export class PartBuffer {
  rows = 0
  private readonly batches = new Map<SinkNode<any>, SinkBatch[]>()

  add(node: SinkNode<any>, batch: SinkBatch): void {
    const list = this.batches.get(node)
    if (list === undefined) this.batches.set(node, [batch])
    else list.push(batch)
    this.rows += batch.rows.length
  }

  async flush(host: Host): Promise<void> {
    for (const [node, list] of this.batches) await (await host.sink(node)).write(list)
    host.services.metrics.add('SinkRows', this.rows, 'Count')
    this.batches.clear()
    this.rows = 0
  }
}
