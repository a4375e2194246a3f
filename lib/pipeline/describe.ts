import { formatDuration } from '../base/index.js'
import { describeWindow } from '../window/index.js'
import { type GraphNode, type Pipeline, stepName } from './graph.js'
import { fingerprint } from './manifest.js'
import { plan } from './plan.js'
import type { OperatorPlan, Plan } from './stages.js'

/** A description of a pipeline as text: its graph as a tree, then what each stateful step writes and reads. */
export function describe(pipeline: Pipeline): string {
  const made = plan(pipeline)
  const lines = [`pipeline ${pipeline.name}   fingerprint ${fingerprint(made)}   key groups ${pipeline.keyGroups}`, '']
  const seen = new Set<number>()
  for (const node of pipeline.nodes) if (node.kind === 'source') lines.push(...tree(node, made, seen, ''))
  for (const operator of made.operators) lines.push('', ...costs(operator, made))
  lines.push('', `rejected records -> ${pipeline.deadLetter.name}`)
  const { writeShards: shards } = pipeline
  lines.push(
    `writes spread over ${shards} partition key${shards === 1 ? '' : 's'} for checkpoints and each range of keys; DynamoDB accepts about 1,000 write units a second for each`,
  )
  lines.push(`idle after ${formatDuration(pipeline.idleAfterMs)}; ${closing(pipeline.idleClose)}`)
  return lines.join('\n')
}

function closing(idleClose: Pipeline['idleClose']): string {
  if (idleClose === false) return 'windows wait for records when every split is idle'
  if (idleClose === 'clock') return 'event time follows the clock when every split is idle'
  return `when every split has been idle for ${formatDuration(idleClose)}, the windows that hold rows are closed`
}

function tree(node: GraphNode, made: Plan, seen: Set<number>, indent: string): string[] {
  const again = seen.has(node.id)
  seen.add(node.id)
  const lines = [`${indent}${label(node)}${again && made.readers[node.id]!.length > 0 ? '   (as above)' : ''}`]
  if (!again) for (const reader of made.readers[node.id]!) lines.push(...tree(reader, made, seen, `${indent}  `))
  return lines
}

function label(node: GraphNode): string {
  switch (node.kind) {
    case 'source':
      return `${node.source.connector} ${node.source.name}   watermark ${node.source.watermark.kind} ${formatDuration(node.source.watermark.boundMs)}`
    case 'sink':
      return `-> ${node.sink.connector} ${node.sink.name}`
    case 'aggregate':
      if (node.logic !== undefined)
        return `${node.name}: ${node.logic.label ?? `${node.logic.kind}${optionsText(node.logic.options)}`}`
      return `${node.name}: ${describeWindow(node.window)} { ${Object.entries(node.aggregates)
        .map(([field, fold]) => `${field}: ${fold.kind}`)
        .join(', ')} }   lateness ${formatDuration(node.allowedLatenessMs)}, ${node.accumulation}`
    default:
      return stepLabel(node)
  }
}

/** Options as the user writes them. */
function optionsText(options: Readonly<Record<string, any>>): string {
  const parts = Object.entries(options).map(([name, value]) => {
    if (name === 'folds') return value.map(({ field, kind }: any) => `${field}: ${kind}`).join(', ')
    if (name.endsWith('Ms') && typeof value === 'number') return `${name.slice(0, -2)}: ${formatDuration(value)}`
    return `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`
  })
  return parts.length === 0 ? '' : ` { ${parts.join(', ')} }`
}

const FUNCTION_CHARS_MAX = 48

/**
 * The label of a stateless step. Steps have no names of their own, so it is the name of the DSL method and the
 * beginning of the function.
 */
export function stepLabel(node: GraphNode): string {
  const name = stepName(node)
  if (!('fn' in node)) return name
  const text = String(node.fn).replace(/\s+/g, ' ')
  if (text.includes('[native code]')) return name
  return `${name} ${text.length > FUNCTION_CHARS_MAX ? `${text.slice(0, FUNCTION_CHARS_MAX - 1)}…` : text}`
}

function costs(operator: OperatorPlan, made: Plan): string[] {
  const { slices, name, lanes } = operator
  const boundMs = Math.max(
    0,
    ...made.stages[operator.stage]!.inputs.map((input) =>
      input.kind === 'source' ? input.source.watermark.boundMs : 0,
    ),
  )
  const slicesRead = Math.ceil(slices.spanMs / slices.widthMs)
  const late =
    operator.node.allowedLatenessMs > 0
      ? `; a late pane up to ${slicesRead + Math.ceil(operator.node.allowedLatenessMs / slices.widthMs) + 1}`
      : ''
  const { logic } = operator
  return [
    `${name}: stage ${operator.stage}, slices of ${formatDuration(slices.widthMs)}, ${slices.slicesPerBucket} a bucket`,
    `  writes: a batch that spans the event time T makes up to (T / ${formatDuration(slices.bucketMs)} + 1) x ${lanes} segments; disorder up to ${formatDuration(boundMs)} adds ${Math.ceil(boundMs / slices.bucketMs) * lanes}`,
    logic !== undefined
      ? '  state: one entry for each key; a slice writes the entries that it changes, and reads those that it touches'
      : `  reads: closing a window reads ${slicesRead} slice${slicesRead === 1 ? '' : 's'} of each key group${late}; a warm container reads each slice once`,
  ]
}
