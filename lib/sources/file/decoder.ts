import type { EventDecoder, NameOf, SplitBatch, Undone } from '../../ports/index.js'
import { isObject, misshapen, outOfOrder } from '../shape.js'
import { lowestUndone } from '../undone.js'
import { FileBatch, type FileRecord } from './batch.js'

/**
 * Reads Millrace's own event of lines: `{ eventSource: 'millrace:file', source, records: [{ split, offset, data }] }`.
 * `data` is the unchanged text of the line, or its bytes in base64 if `encoding` is `'base64'`; `offset` is its index
 * in the split.
 */
export function fileDecoder(): EventDecoder {
  return { connector: 'file', matches, decode, partialAnswer }
}

function matches(event: unknown): boolean {
  return isObject(event) && event.eventSource === 'millrace:file'
}

function decode(event: unknown, nameOf: NameOf): SplitBatch[] {
  if (!isObject(event)) misshapen('file', 'itself', 'an object', event)
  const { source, records } = event
  if (typeof source !== 'string' || source === '') misshapen('file', 'source', 'the name of a source', source)
  if (!Array.isArray(records)) misshapen('file', 'records', 'an array', records)
  const splits = new Map<string, FileRecord[]>()
  for (let i = 0; i < records.length; i++) {
    const record = check(records[i], i)
    const lines = splits.get(record.split)
    if (lines === undefined) splits.set(record.split, [record])
    else {
      if (record.offset <= lines[lines.length - 1]!.offset) outOfOrder('file', 'split', `records[${i}]`)
      lines.push(record)
    }
  }
  return Array.from(splits, ([split, lines]) => new FileBatch(nameOf(source), split, lines))
}

function check(record: any, i: number): FileRecord {
  if (!isObject(record)) misshapen('file', `records[${i}]`, 'an object', record)
  const { split, offset, data, encoding } = record
  if (typeof split !== 'string' || split === '') misshapen('file', `records[${i}].split`, 'the name of a split', split)
  if (!Number.isSafeInteger(offset) || offset < 0) {
    misshapen('file', `records[${i}].offset`, 'a whole number from 0 to 2^53 - 1', offset)
  }
  if (typeof data !== 'string') misshapen('file', `records[${i}].data`, "a line's text", data)
  if (encoding !== undefined && encoding !== 'base64') {
    misshapen('file', `records[${i}].encoding`, "'base64' or absent", encoding)
  }
  return record as FileRecord
}

/** The first undone line of each split; the reader of the file continues there. */
function partialAnswer(undone: readonly Undone[]): unknown {
  const batchItemFailures = Array.from(lowestUndone(undone), ([batch, index]) => ({
    itemIdentifier: { split: batch.split, offset: Number(batch.position(index)) },
  }))
  return { batchItemFailures }
}
