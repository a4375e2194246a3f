import { checkName } from '../base/index.js'
import type { Sink, SinkContext, SinkNode } from '../ports/index.js'

interface Connector {
  readonly connector: string
  readonly local: boolean
  readonly isOfOneOperator?: boolean
  readonly options?: Readonly<Record<string, unknown>>
  readonly open: (context: SinkContext) => Promise<Sink>
}

/** Checks a sink's name and freezes its node. Every connector creates its node here. */
export function sinkNode<Row>(name: string, connector: Connector): SinkNode<Row> {
  checkName('sink', name)
  return Object.freeze({ kind: 'sink', name, options: Object.freeze({}), ...connector })
}
