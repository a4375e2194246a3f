import type { SinkNode } from '../../ports/index.js'
import { sinkNode } from '../node.js'

/**
 * Prints each row as a line of JSON. At least once: a line cannot be taken back.
 * @example consoleSink('peek')
 */
export function consoleSink<Row = any>(name = 'console'): SinkNode<Row> {
  const open = async () => (await import('./adapter.js')).consoleWriter()
  return sinkNode<Row>(name, { connector: 'console', local: true, open })
}
