import { formatDuration, TIME_MAX } from '../base/index.js'
import { describeWindow, type WindowSpec } from '../window/index.js'
import { type GraphNode, stepName } from './graph.js'
import { type Manifest, stateful } from './manifest.js'

type Node = Manifest['nodes'][number]

/** Kinds of nodes that have names, and what users call them. */
const NAMED = { source: 'source', aggregate: 'operator' } as const
/** The values of options that the manifest leaves out. */
const DEFAULTS: Readonly<Record<string, unknown>> = { writeShards: 1, emit: 'panes', emptyForMs: 0 }
/**
 * Attributes that are not compared here: they follow from the window and its options, or from the rest of the graph.
 */
const DERIVED = ['kind', 'name', 'input', 'inputs', 'folds', 'sliceMs', 'slicesPerBucket']

/**
 * Describes the first difference that gives two manifests different fingerprints: the name of the node, the option, and
 * both values as a user writes them. Undefined if there is no difference.
 */
export function difference(before: Manifest, after: Manifest): string | undefined {
  const [a, b] = [stateful(before), stateful(after)]
  return inOptions('', { ...a, nodes: 0 }, { ...b, nodes: 0 }) ?? inNamed(a, b) ?? inSteps(a, b)
}

function inNamed(a: Manifest, b: Manifest): string | undefined {
  for (const [kind, called] of Object.entries(NAMED)) {
    const [were, are] = [a, b].map(
      ({ nodes }) => new Map(nodes.flatMap((node) => (node.kind === kind ? [[node.name, node] as const] : []))),
    )
    const only = (these: typeof were, others: typeof were, what: string): string[] =>
      [...these!.keys()].flatMap((name) => (others!.has(name) ? [] : `${called} "${name}" ${what}`))
    const moved = [...only(were, are, 'no longer exists'), ...only(are, were, 'is new')]
    if (moved.length > 0) return moved.join(' and ')
    for (const [name, node] of were!) {
      const where = `${called} "${name}": `
      const found = inOptions(where, node, are!.get(name)!) ?? inFields(where, node, are!.get(name)!)
      if (found !== undefined) return found
    }
  }
  return undefined
}

function inOptions(where: string, a: object, b: object): string | undefined {
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (DERIVED.includes(name)) continue
    const [was, is]: any[] = [a, b].map((node) => (node as Node)[name] ?? DEFAULTS[name])
    if (name === 'options' && was !== undefined && is !== undefined) {
      const found = inOptions(where, was, is) ?? inFields(where, was, is)
      if (found !== undefined) return found
      continue
    }
    if (JSON.stringify(was) !== JSON.stringify(is))
      return `${where}${name === 'free' ? 'of' : name.replace(/(For)?Ms$/, '')} was ${valueText(name, was)} and is ${valueText(name, is)}`
  }
  return undefined
}

/** The value as a user writes it. */
function valueText(name: string, value: any): string {
  if (value === undefined) return 'not set'
  if (name === 'window') return describeWindow(value as WindowSpec)
  if (name === 'watermark')
    return `${value.kind === 'custom' ? 'customWatermark' : 'outOfOrder'}(${formatDuration(value.boundMs)})`
  // An option of stddev.
  if (name === 'free') return value === 1 ? '"sample"' : '"population"'
  if (name === 'minTimeMs') return new Date(value).toISOString()
  if (name.endsWith('Ms') && typeof value === 'number') return value >= TIME_MAX ? 'not set' : formatDuration(value)
  return JSON.stringify(value)
}

function inFields(where: string, a: Node, b: Node): string | undefined {
  const of = ({ folds = [] }: any): Map<string, any> => new Map(folds.map((fold: any) => [fold.field, fold]))
  const [were, are] = [of(a), of(b)]
  for (const field of new Set([...were.keys(), ...are.keys()])) {
    const [was, is] = [were.get(field), are.get(field)]
    if (is === undefined) return `${where}field "${field}" no longer exists`
    if (was === undefined) return `${where}field "${field}" is new`
    if (was.kind !== is.kind) return `${where}field "${field}" was ${was.kind} and is ${is.kind}`
    const found = inOptions(`${where}field "${field}": `, was.options, is.options)
    if (found !== undefined) return found
  }
  const [old, now] = [[...were.keys()].join(', '), [...are.keys()].join(', ')]
  return old === now ? undefined : `${where}its fields were ${old} and are ${now}: their order is part of the state`
}

/** Steps have no names, so they are compared by their kinds and places. */
function inSteps(a: Manifest, b: Manifest): string | undefined {
  const [were, are] = [a, b].map(({ nodes }) =>
    nodes.map((node) => `${stepName(node as unknown as GraphNode)}${node.name === undefined ? '' : ` "${node.name}"`}`),
  )
  if (were!.join() !== are!.join()) return `the steps were ${were!.join(', ')} and are ${are!.join(', ')}`
  return JSON.stringify(a.nodes) === JSON.stringify(b.nodes)
    ? undefined
    : `the steps ${were!.join(', ')} are connected differently`
}
