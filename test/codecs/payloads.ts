import { RecordRejection, RecordValues } from '../../lib/base/index.js'
import { CodecDecoder } from '../../lib/codecs/open.js'
import { outOfOrder } from '../../lib/index.js'
import type { RecordMeta } from '../../lib/ports/index.js'
import { kinesisSource } from '../../lib/sources/kinesis/index.js'
import type { SourceOptions } from '../../lib/sources/node.js'

/** Payloads as a decoder reads them. */
export const payloadsOf = (records: readonly (string | Buffer)[]) => {
  const data = records.map((record) => Buffer.from(record as string))
  return {
    sizeBound: (i: number) => data[i]!.length,
    write: (i: number, target: Buffer, at: number) => data[i]!.copy(target, at),
  }
}

const meta: RecordMeta = {
  source: 's',
  split: 'p',
  position: '1',
  arrivalMs: undefined,
  stampMs: undefined,
  key: 'k',
  keyBytes: Buffer.from('k'),
  header: () => undefined,
  headerBytes: () => undefined,
}

export const sourceWith = (options: Partial<SourceOptions<any>>) =>
  kinesisSource<any>('s', { timestamp: () => 0, watermark: outOfOrder('1s'), ...options })

/** What a source with these options makes of one record: its value, a list of values, or a rejection. */
export function decodedBy(options: Partial<SourceOptions<any>>, record: string | Buffer): unknown {
  const out: unknown[] = []
  new CodecDecoder(sourceWith(options)).decode(payloadsOf([record]), 0, 1, out, meta)
  return out[0]
}

/** The same for people: rejections by their reasons, values of many in an object. */
export function shownBy(options: Partial<SourceOptions<any>>, record: string | Buffer): unknown {
  const plain = (value: unknown): unknown => (value instanceof RecordRejection ? `<${value.code}>` : value)
  const found = decodedBy(options, record)
  return found instanceof RecordValues ? { values: found.list.map(plain) } : plain(found)
}
