import { ConfigError } from '../../base/index.js'
import type { SinkNode, SinkRow } from '../../ports/index.js'
import { sinkNode } from '../node.js'

/**
 * Passes rows with their ids to a function. After a failure it is called again, and may then get ids that it has
 * already seen.
 * @example callback('pager', async rows => { for (const row of rows) await page(row.id, row.value) })
 */
export function callback<Row = any>(
  name: string,
  fn: (rows: readonly (SinkRow & { readonly value: Row })[]) => void | Promise<void>,
): SinkNode<Row> {
  if (typeof fn !== 'function')
    throw new ConfigError('bad-sink', `callback("${name}") needs a function of rows; it got ${typeof fn}.`)
  const open = async () =>
    (await import('./adapter.js')).callbackSink(name, fn as (rows: readonly SinkRow[]) => void | Promise<void>)
  return sinkNode<Row>(name, { connector: 'callback', local: true, open })
}
