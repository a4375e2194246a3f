import { checkOptions } from '../../base/index.js'
import type { SinkNode } from '../../ports/index.js'
import { sinkNode } from '../node.js'

/**
 * NDJSON files: write-once parts in a folder, exactly once. `directory` is the folder for the parts, except in local
 * runs, which write them under --out.
 * @example ndjson('hourly')
 */
export function ndjson<Row = any>(name: string, options: { readonly directory?: string } = {}): SinkNode<Row> {
  checkOptions(`ndjson("${name}")`, options, { directory: true })
  const directory = options.directory ?? '.'
  const open = async () => (await import('./adapter.js')).fileSink(`${directory}/${name}`)
  return sinkNode<Row>(name, { connector: 'ndjson', local: false, options: Object.freeze({ directory }), open })
}
