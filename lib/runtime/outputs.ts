import type { Rejected } from '../pipeline/index.js'
import type { RefusedRow, SinkBatch, SinkNode, SinkRow } from '../ports/index.js'
import type { Host } from './host.js'

/** Writes a split's rows to their sinks, before the split's segments and its checkpoint (invariant 3). */
export async function writeSplitRows(
  host: Host,
  split: string,
  from: string,
  to: string,
  rows: ReadonlyMap<SinkNode<any>, readonly SinkRow[]>,
): Promise<void> {
  const batches = new Map<SinkNode<any>, SinkBatch[]>()
  for (const [node, list] of rows)
    if (list.length > 0) batches.set(node, [{ kind: 'split', split, from, to, rows: list }])
  await writeBatches(host, batches)
}

/** Collects an operator's parts per sink and writes them together. */
export class PartBuffer {
  private readonly batches = new Map<SinkNode<any>, SinkBatch[]>()

  add(node: SinkNode<any>, batch: SinkBatch): void {
    const list = this.batches.get(node)
    if (list === undefined) this.batches.set(node, [batch])
    else list.push(batch)
  }

  async flush(host: Host): Promise<void> {
    await writeBatches(host, this.batches)
    this.batches.clear()
  }
}

/**
 * Writes to all sinks. The dead letter sink comes last, because it also receives the rows that other sinks refuse
 * (invariant 14). They are merged into one batch with its own rows of the same split or part: a sink accepts the rows
 * of a part, or of a split up to a position, only once.
 */
async function writeBatches(host: Host, batches: ReadonlyMap<SinkNode<any>, readonly SinkBatch[]>): Promise<void> {
  const { deadLetter } = host.plan.pipeline
  const refused: SinkBatch[] = []
  for (const [node, list] of batches) {
    if (node === deadLetter) continue
    for (const refusal of await write(host, node, list)) refused.push(rejected(node, refusal)) // guard: refused-to-dead-letter
  }
  const last = merged([...(batches.get(deadLetter) ?? []), ...refused])
  if (last.length === 0) return
  let again = await write(host, deadLetter, last)
  // The first retry leaves out the readable payload, since the record alone can be sent again. The second leaves out
  // both.
  for (const without of [withoutPayload, withoutRecord]) {
    if (again.length === 0) return
    again = await write(host, deadLetter, merged(again.map(without)))
  }
  for (const { row, reason } of again)
    host.services.logger.error('the dead letter sink refused a row; the row is lost', {
      sink: deadLetter.name,
      id: row.id,
      reason,
    })
}

async function write(host: Host, node: SinkNode<any>, batches: readonly SinkBatch[]): Promise<readonly RefusedRow[]> {
  const refused = (await (await host.sink(node)).write(batches)) ?? []
  const { metrics, logger } = host.services
  metrics.add('SinkRows', batches.reduce((sum, batch) => sum + batch.rows.length, 0) - refused.length, 'Count')
  if (refused.length > 0) {
    metrics.add('RefusedRows', refused.length, 'Count')
    logger.warn('sink refused rows', { sink: node.name, rows: refused.length, reason: refused[0]!.reason })
  }
  return refused
}

function rejected(node: SinkNode<any>, { batch, row, reason }: RefusedRow): SinkBatch {
  const value: Rejected = {
    reason: 'sink-refused',
    detail: `The sink "${node.name}" refused the row: ${reason}`,
    source: batch.kind === 'split' ? batch.split : batch.operator,
    split: batch.kind === 'split' ? batch.split : batch.operator,
    position: batch.kind === 'split' ? row.order : batch.part,
    payload: row.value,
  }
  return { ...batch, rows: [{ id: `${row.id}|${node.name}`, value, order: row.order }] }
}

/**
 * A row that even the dead letter sink refuses is written without its payload, and if that is refused too, without its
 * record.
 */
function withoutPayload({ batch, row, reason }: RefusedRow): SinkBatch {
  const value = { ...(row.value as Rejected), payload: null, refused: reason }
  return { ...batch, rows: [{ ...row, value }] }
}

function withoutRecord(refusal: RefusedRow): SinkBatch {
  const { batch, row } = refusal
  const { record: _, ...value } = row.value as Rejected
  return withoutPayload({ ...refusal, batch, row: { ...row, value } })
}

/** Merges batches into one batch per split or part, with its rows in order. */
function merged(batches: readonly SinkBatch[]): SinkBatch[] {
  const byName = new Map<string, SinkBatch>()
  for (const batch of batches) {
    const name = batch.kind === 'split' ? `s ${batch.split}` : `o ${batch.operator} ${batch.part}`
    const before = byName.get(name)
    byName.set(name, before === undefined ? batch : { ...before, rows: [...before.rows, ...batch.rows] })
  }
  return [...byName.values()].map((batch) =>
    batch.kind === 'split' ? { ...batch, rows: [...batch.rows].sort(byOrder) } : batch,
  )
}

const byOrder = (a: SinkRow, b: SinkRow): number => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0)
