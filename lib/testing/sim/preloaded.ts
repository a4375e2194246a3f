import type { Pipeline } from '../../pipeline/index.js'
import type { EventDecoder } from '../../ports/index.js'

/** A pipeline whose sources have their decoders already loaded. */
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
