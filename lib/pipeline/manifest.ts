import { digest } from '../base/index.js'
import type { GraphNode } from './graph.js'
import type { Plan } from './stages.js'

/**
 * The graph as plain JSON: names, kinds, options and windows, but never the source of functions. Stacks and stored
 * state identify a pipeline by it.
 */
export interface Manifest {
  readonly format: 1
  readonly pipeline: string
  readonly keyGroups: number
  /** Left out if it is 1. */
  readonly writeShards?: number
  readonly nodes: readonly Readonly<Record<string, unknown>>[]
}

export function manifest(plan: Plan): Manifest {
  const { pipeline } = plan
  return {
    format: 1,
    pipeline: pipeline.name,
    keyGroups: pipeline.keyGroups,
    ...(pipeline.writeShards > 1 && { writeShards: pipeline.writeShards }),
    nodes: pipeline.nodes.map((node) => ({ kind: node.kind, ...detail(node, plan) })),
  }
}

function detail(node: GraphNode, plan: Plan): Record<string, unknown> {
  switch (node.kind) {
    case 'source': {
      const { source } = node
      return {
        name: source.name,
        connector: source.connector,
        watermark: { kind: source.watermark.kind, boundMs: source.watermark.boundMs },
        maxFutureDriftMs: source.maxFutureDriftMs,
        onFutureDrift: source.onFutureDrift,
        ...(source.onUnlikelyTime === 'reject' && { minTimeMs: source.minTimeMs }),
      }
    }
    case 'merge':
      return { inputs: node.inputs }
    case 'sink':
      return { input: node.input, name: node.sink.name, connector: node.sink.connector }
    case 'aggregate': {
      const { slices } = plan.operators.find((operator) => operator.node === node)!
      const { logic } = node
      if (logic !== undefined)
        return {
          input: node.input,
          name: node.name,
          logic: logic.kind,
          options: logic.options,
          sliceMs: slices.widthMs,
          slicesPerBucket: slices.slicesPerBucket,
        }
      return {
        input: node.input,
        name: node.name,
        window: node.window,
        offsetMs: node.offsetMs,
        allowedLatenessMs: node.allowedLatenessMs,
        accumulation: node.accumulation,
        ...(node.emit !== 'panes' && { emit: node.emit }),
        ...(node.emptyForMs > 0 && { emptyForMs: node.emptyForMs }),
        sliceMs: slices.widthMs,
        slicesPerBucket: slices.slicesPerBucket,
        folds: Object.entries(node.aggregates).map(([field, fold]) => ({
          field,
          kind: fold.kind,
          options: fold.options,
        })),
      }
    }
    default:
      return { input: node.input }
  }
}

/**
 * The part of the manifest that stored state depends on: everything but where rows go. Inputs are numbered without the
 * sinks, so that adding a sink changes nothing.
 */
export function stateful(made: Manifest): Manifest {
  const kept = made.nodes.flatMap((node, id) => (node.kind === 'sink' ? [] : [id]))
  const place = (id: unknown): number => kept.indexOf(id as number)
  const nodes = kept.map((id) => {
    const node = made.nodes[id]!
    if (Array.isArray(node.inputs)) return { ...node, inputs: node.inputs.map(place) }
    return 'input' in node ? { ...node, input: place(node.input) } : node
  })
  return { ...made, nodes }
}

/** A digest of the manifest. State written under one fingerprint is not read under another. */
export function fingerprint(plan: Plan): string {
  return digest(JSON.stringify(stateful(manifest(plan))))
}
