import { type Bindings, ingest, tick } from '../../lib/handlers/index.js'
import { InvocationMetrics } from '../../lib/observe/index.js'
import { type Pipeline, plan } from '../../lib/pipeline/index.js'
import type {
  Attribute,
  Item,
  Logger,
  RefusedRow,
  Sink,
  SinkBatch,
  SinkNode,
  SourceInspector,
  SplitListing,
  StateStore,
} from '../../lib/ports/index.js'
import { splitKey, watermarkKey } from '../../lib/runtime/keys.js'
import { memberSeal, progressSeal } from '../../lib/runtime/split-item.js'
import { MemoryTable, memoryStore } from '../../lib/state/memory/index.js'

/** What a source of the harness lists and reports about its splits. Tests change it as they run. */
export interface FakeSource {
  splits: SplitListing[]
  /** Unread records by split. A split that is not named has none. */
  waiting: Set<string>
  bounded: boolean
  /** What it reports about positions in the logs of its splits. A source without this cannot be asked. */
  verify?: NonNullable<SourceInspector['verify']>
  end?: NonNullable<SourceInspector['end']>
}

/** One pipeline on the memory store, which logs every port call in order. */
export class Harness {
  readonly table = new MemoryTable()
  readonly store = memoryStore(this.table)
  readonly rows = new Map<string, any[]>()
  readonly calls: string[] = []
  /** What each sink holds for a split or a part. */
  private readonly held = new Map<string, string>()
  readonly logs: string[] = []
  readonly metrics = new Map<string, number>()
  readonly sources: Record<string, FakeSource> = {}
  now = 1_700_000_000_000
  remainingMs = 60_000
  /** Called before each port call; may throw, or change the world. */
  before: (call: string) => void | Promise<void> = () => undefined
  /** Rows that a sink can never accept, and the reason. */
  refuses: (sink: string, value: any) => string | undefined = () => undefined
  readonly pipeline: Pipeline
  private readonly more: Partial<Bindings>

  constructor(pipeline: Pipeline, more: Partial<Bindings> = {}) {
    this.pipeline = pipeline
    this.more = more
    for (const source of plan(pipeline).sources)
      this.sources[source.name] = { splits: [], waiting: new Set(), bounded: true }
  }

  /** A new container, with nothing cached. */
  container(): { ingest: (event: unknown) => Promise<any>; tick: () => Promise<any> } {
    const bindings = this.bindings()
    const context = { getRemainingTimeInMillis: () => this.remainingMs }
    const handle = ingest(this.pipeline, bindings)
    const ticker = tick(this.pipeline, bindings)
    return { ingest: (event) => handle(event, context), tick: () => ticker({}, context) }
  }

  bindings(): Bindings {
    const call = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      this.calls.push(name)
      await this.before(name)
      return work()
    }
    const { store } = this
    const spied: StateStore = {
      get: (keys) => call(`get ${keys.map((key) => key.sk).join()}`, () => store.get(keys)),
      insert: (items) => call(`insert ${items.map((item) => item.sk).join()}`, () => store.insert(items)),
      update: (update) => call(`update ${update.key.sk} ${namesOf(update.set)}`, () => store.update(update)),
      updateAll: (updates) =>
        call(`updateAll ${updates.map(({ key }) => key.sk).join()}`, () => store.updateAll(updates)),
      query: (range) => call(`query ${range.from}`, () => store.query(range)),
      usage: () => store.usage(),
      close: () => store.close(),
    }
    const log = (level: string) => (message: string, fields?: object) =>
      void this.logs.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`)
    const logger: Logger = { info: log('info'), warn: log('warn'), error: log('error') }
    return {
      state: spied,
      sink: (node) => Promise.resolve(this.sink(node, call)),
      inspectors: Object.fromEntries(
        Object.entries(this.sources).map(([name, source]) => [name, inspectorOf(source, call)]),
      ),
      clock: { now: () => this.now },
      ids: { next: () => `n${this.calls.length}` },
      logger,
      metrics: new InvocationMetrics((metrics) => {
        for (const [name, { value }] of metrics) this.metrics.set(name, (this.metrics.get(name) ?? 0) + value)
      }),
      ...this.more,
    }
  }

  private sink(node: SinkNode<any>, call: <T>(name: string, work: () => Promise<T>) => Promise<T>): Sink {
    return {
      write: (batches: readonly SinkBatch[]) =>
        call(`sink ${node.name}`, async () => {
          const rows = this.rows.get(node.name) ?? []
          this.rows.set(node.name, rows)
          const refused: RefusedRow[] = []
          for (const batch of batches) {
            // As the port requires: rows at or below the highest `to` of a split have already been written, and so has
            // a part with a known name.
            const name =
              batch.kind === 'split'
                ? `${node.name} s ${batch.split}`
                : `${node.name} o ${batch.operator} ${batch.part}`
            const held = this.held.get(name) ?? ''
            const before = refused.length
            for (const row of batch.rows) {
              if (batch.kind === 'split' ? row.order <= held : held !== '') continue
              const reason = this.refuses(node.name, row.value)
              if (reason === undefined) rows.push(JSON.parse(JSON.stringify(row.value)))
              else refused.push({ batch, row, reason })
            }
            if (refused.length === before)
              this.held.set(name, batch.kind === 'split' && batch.to > held ? batch.to : held || '-')
          }
          return refused
        }),
      close: async () => undefined,
    }
  }

  /** The stored item of a split of stage 0. */
  async split(name: string): Promise<Item | undefined> {
    const [item] = await this.store.get([splitKey(`${this.pipeline.name}.1`, plan(this.pipeline).stages[0]!, name)])
    return item
  }

  /** Changes a split of stage 0 outside of the runtime, as if the runtime had done so: its seals are valid. */
  async edit(name: string, set: Readonly<Record<string, Attribute>>): Promise<void> {
    const item = { ...(await this.split(name))!, ...set } as Record<string, any>
    const { position, own, top, status, gate, epoch, tails = '', counters = '', was = 'joining' } = item
    await this.store.update({
      key: { pk: item.pk, sk: item.sk },
      set: {
        ...set,
        progressSeal: progressSeal(name, { position, own, top }, tails, counters),
        memberSeal: memberSeal(name, { status, was, gate, epoch, origin: '', generation: 0, next: '' }, ''),
      },
      when: [],
    })
  }

  async watermark(stage = 0): Promise<Item | undefined> {
    const [item] = await this.store.get([watermarkKey(`${this.pipeline.name}.1`, stage)])
    return item
  }

  /** Segments of a key group of an operator, by sort key. */
  async segments(operator: string, keyGroup = 0): Promise<readonly Item[]> {
    return (await this.store.query({ pk: `${this.pipeline.name}.1#${operator}#${keyGroup}`, from: 'g#', to: 'g~' }))
      .items
  }
}

function inspectorOf(
  source: FakeSource,
  call: <T>(name: string, work: () => Promise<T>) => Promise<T>,
): SourceInspector {
  return {
    get bounded() {
      return source.bounded
    },
    list: () => call('list', async () => [...source.splits]),
    ...(source.verify && {
      verify: (positions: ReadonlyMap<string, string>) =>
        call(`verify ${[...positions.keys()]}`, () => source.verify!(positions)),
    }),
    ...(source.end && { end: (split: string) => call(`end ${split}`, () => source.end!(split)) }),
    peek: (split) => call(`peek ${split}`, async () => (source.waiting.has(split) ? 'waiting' : 'nothing')),
  }
}

/** An event of a file source: values of one split, starting at an offset. */
export function fileEvent(source: string, split: string, from: number, values: readonly unknown[]): unknown {
  const records = values.map((value, i) => ({
    split,
    offset: from + i,
    data: typeof value === 'string' ? value : JSON.stringify(value),
  }))
  return { eventSource: 'millrace:file', source, records }
}

/** The first record that an answer asks to be delivered again. */
export function undoneOf(answer: any): number | undefined {
  return answer?.batchItemFailures?.[0]?.itemIdentifier?.offset
}

/** The attributes that an update sets, without their seals. */
function namesOf(set: object): string {
  return Object.keys(set)
    .filter((name) => !name.endsWith('Seal'))
    .join()
}
