import { encodeKey, type Key, messageOf } from '../base/index.js'
import { type GraphNode, inputsOf, type Pipeline, type WindowResult } from '../pipeline/index.js'
import type { RecordMeta, SinkRow } from '../ports/index.js'

/** What a step did with a value. */
export interface TracedStep {
  readonly node: GraphNode
  /** How many steps precede it. */
  readonly depth: number
  readonly value: unknown
  /** What the step's function returned: for a filter whether it keeps the value, for an operator the key. */
  readonly gave: unknown
  /** What it threw instead. */
  readonly threw?: string
}

/** What happened to one value of a record. */
export interface TracedValue {
  readonly meta: Pick<RecordMeta, 'source' | 'split' | 'position'>
  readonly value: unknown
  /** What `timestamp` returned or threw. */
  readonly time: unknown
  readonly steps: TracedStep[]
}

/** A result of an operator that includes a traced value, and what the steps after the operator did with it. */
export interface TracedResult {
  readonly operator: string
  readonly result: WindowResult<Key, unknown>
  readonly steps: TracedStep[]
}

/** A row that a sink received for a traced value or result. */
export interface TracedRow {
  readonly sink: string
  readonly row: SinkRow
}

/** Which records and results are traced. */
export interface Following {
  record(meta: RecordMeta): boolean
  result(operator: string, result: WindowResult<Key, unknown>): boolean
  /** Called when a row with this key, of a record or of a traced result, enters an operator. */
  entered?(operator: string, key: Key, value: TracedValue | TracedResult | undefined): void
}

/**
 * A pipeline that records what it does: the same graph, with functions that call the user's own functions and record
 * what they return for traced records. Results, state and errors are those of the original pipeline.
 */
export class Tracer {
  readonly values: TracedValue[] = []
  readonly results: TracedResult[] = []
  readonly rows: TracedRow[] = []
  readonly pipeline: Pipeline
  private readonly following: Following
  private readonly keepsRecords: boolean
  private readonly depths: readonly number[]
  /** Prefixes of the ids of rows that are derived from traced records and results. */
  private readonly ids = new Set<string>()
  private readonly byId = new Map<string, TracedResult>()
  private readonly byPosition = new Map<string, number>()
  private readonly rowNames = new Set<string>()
  private at: TracedValue | undefined
  private of: TracedResult | undefined

  /** `keepsRecords`: whether traced records are kept, with their steps. */
  constructor(pipeline: Pipeline, following: Following, { keepsRecords = true } = {}) {
    this.following = following
    this.keepsRecords = keepsRecords
    const depths: number[] = []
    for (const node of pipeline.nodes) {
      const before = inputsOf(node).map((id) => depths[id]!)
      depths.push(before.length === 0 || node.kind === 'merge' ? Math.max(0, ...before) : before[0]! + 1)
    }
    this.depths = depths
    const readsResults = (node: GraphNode): boolean =>
      inputsOf(node).some((id) => {
        const input = pipeline.nodes[id]!
        return input.kind === 'aggregate' || (input.kind === 'merge' && readsResults(input))
      })
    this.pipeline = { ...pipeline, nodes: pipeline.nodes.map((node) => this.traced(node, readsResults(node))) }
  }

  /** Keeps all rows whose ids begin with this one: those of a record that may never reach a step. */
  follow(id: string): void {
    this.ids.add(id)
  }

  /** Records the rows that a sink receives. */
  written(sink: string, rows: readonly SinkRow[]): void {
    for (const row of rows) {
      const value = row.value as Partial<WindowResult<Key, unknown>> | null
      // A sink that reads an operator receives its results unchanged.
      if (typeof value?.id === 'string' && value.window !== undefined) this.seen(value as WindowResult<Key, unknown>)
      if (!this.isFollowed(row.id)) continue
      const name = `${sink}|${row.id}`
      if (this.rowNames.has(name)) continue
      this.rowNames.add(name)
      this.rows.push({ sink, row })
    }
  }

  private isFollowed(id: string): boolean {
    if (this.ids.has(id)) return true
    // The rows of a record have its id followed by a suffix, and so have the deletes of a result.
    for (let at = id.length - 1; at > 0; at--)
      if ((id[at] === '/' || id[at] === '|') && this.ids.has(id.slice(0, at))) return true
    return false
  }

  private traced(node: GraphNode, readsResults: boolean): GraphNode {
    if (node.kind === 'source') {
      const { source } = node
      return { ...node, source: { ...source, timestamp: (value: any, meta: any) => this.timed(source, value, meta) } }
    }
    if (node.kind === 'aggregate') {
      const { key } = node
      return { ...node, key: (value, meta) => this.stepped(node, readsResults, key, value, meta) as Key }
    }
    if (!('fn' in node)) return node
    const { fn } = node
    return { ...node, fn: (value: any, meta: any) => this.stepped(node, readsResults, fn, value, meta) as any }
  }

  private timed(source: { timestamp(value: any, meta: any): unknown }, value: unknown, meta: RecordMeta): any {
    this.of = undefined
    this.at = undefined
    const isFollowed = this.following.record(meta)
    const begin = (time: unknown): void => {
      if (!isFollowed) return
      const { position } = meta
      this.at = { meta: { source: meta.source, split: meta.split, position }, value, time, steps: [] }
      if (!this.keepsRecords) return
      // A record that is repeated starts over.
      const known = this.byPosition.get(position) ?? this.values.length
      this.byPosition.set(position, known)
      this.values[known] = this.at
      this.ids.add(`${meta.source}/${meta.split}/${position}`)
    }
    try {
      const time = source.timestamp(value, meta)
      begin(time)
      return time
    } catch (thrown) {
      begin(messageOf(thrown))
      throw thrown
    }
  }

  private stepped(
    node: GraphNode,
    readsResults: boolean,
    fn: (value: any, meta: any) => unknown,
    value: unknown,
    meta: RecordMeta | undefined,
  ): unknown {
    if (readsResults && meta === undefined) this.seen(value as WindowResult<Key, unknown>)
    const into = meta === undefined ? this.of : this.at
    const step = { node, depth: this.depths[node.id]!, value }
    try {
      let gave = fn(value, meta)
      // An iterator can be consumed only once, so its values are copied here.
      if (node.kind === 'flat-map' && into !== undefined) gave = [...(gave as Iterable<unknown>)]
      into?.steps.push({ ...step, gave })
      if (node.kind === 'aggregate') this.following.entered?.(node.name, gave as Key, into)
      return gave
    } catch (thrown) {
      into?.steps.push({ ...step, gave: undefined, threw: messageOf(thrown) })
      throw thrown
    }
  }

  /** A result leaves its operator: the following steps belong to it. */
  private seen(result: WindowResult<Key, unknown>): void {
    this.of = this.byId.get(result.id)
    if (this.of !== undefined) return
    const operator = operatorOf(result)
    if (!this.following.result(operator, result)) return
    this.of = { operator, result, steps: [] }
    this.results.push(this.of)
    this.byId.set(result.id, this.of)
    this.ids.add(result.id)
  }
}

const operatorOf = ({ id }: { readonly id: string }): string => id.slice(0, id.indexOf('|'))

/** A unique text for the key and window of a result. */
export function resultName(
  operator: string,
  key: Key,
  window: { readonly start: number; readonly end: number },
): string {
  return `${operator}|${encodeKey(key)}|${window.start}|${window.end}`
}
