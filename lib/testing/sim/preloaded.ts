import type { Pipeline, Plan } from '../../pipeline/index.js'
import type { EventDecoder } from '../../ports/index.js'
import type { Connector } from './log.js'

/** A pipeline whose sources' decoders are there already. */
export function preloaded(pipeline: Pipeline, decoders: ReadonlyMap<string, EventDecoder>): Pipeline {
  return {
    ...pipeline,
    nodes: pipeline.nodes.map((node) => {
      if (node.kind !== 'source') return node
      const decoder = decoders.get(node.source.connector)
      return decoder === undefined ? node : { ...node, source: { ...node.source, open: async () => decoder } }
    }),
  }
}

export function connectorOf({ sources }: Plan, source: string): Connector {
  return sources.find(({ name }) => name === source)!.connector as Connector
}
