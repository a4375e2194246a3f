import { setTimeout as sleep } from 'node:timers/promises'
import { Faults } from '../../../lib/dev/chaos.js'
import { Containers } from '../../../lib/dev/containers.js'
import { count, ndjson, outOfOrder, type Pipeline, pipeline, sum, tumbling } from '../../../lib/index.js'
import { InvocationMetrics, randomIds, systemClock } from '../../../lib/observe/index.js'
import { plan } from '../../../lib/pipeline/index.js'
import type { Logger, SinkBatch, SourceInspector, SourceNode } from '../../../lib/ports/index.js'
import { memoryStore } from '../../../lib/state/memory/index.js'
import { type Status, statusOf } from '../../../lib/testing/status.js'

export interface Click {
  readonly t: number
  readonly k: string
  readonly v: number
}

/** Long past, so that no broker's clock is behind it. */
const START = 1_700_000_000_000
const WINDOW_MS = 10_000

type Source = (name: string, options: any) => SourceNode<Click>

/**
 * Clicks counted per key in windows of ten seconds. Nothing is late: what is counted hangs on nothing but what is
 * delivered.
 */
export function clicksOf(source: Source, name: string): Pipeline {
  const options = { timestamp: (click: Click) => click.t, watermark: outOfOrder('1h') }
  return pipeline('live', { keyGroups: 2, deadLetter: ndjson('dead'), minAdvance: 0 }, (p) =>
    p
      .from(source(name, options))
      .keyBy((click) => click.k)
      .window(tumbling('10s'), { late: ndjson('late') })
      .aggregate('per-key', { n: count(), total: sum((click) => click.v) })
      .to(ndjson('results')),
  )
}

/** `count` clicks from the number `from` on, ten a second. */
export function clicks(count: number, from = 0): Click[] {
  return Array.from({ length: count }, (_, i) => ({
    t: START + (from + i) * 100,
    k: `key ${(from + i) % 7}`,
    v: from + i,
  }))
}

/** A record far ahead: once every open split has one, all windows before it are closed. */
export const theEnd: Click = { t: START + 86_400_000, k: 'end', v: 0 }

/** What the windows of clicks must come to. */
export function expected(all: readonly Click[]): Record<string, { n: number; total: number }> {
  const results: Record<string, { n: number; total: number }> = {}
  for (const { t, k, v } of all) {
    const name = `${k} ${Math.floor(t / WINDOW_MS) * WINDOW_MS}`
    results[name] ??= { n: 0, total: 0 }
    results[name].n++
    results[name].total += v
  }
  return results
}

/**
 * One pipeline on the memory store. `environment` is a process of its own, as pollers have; a tick runs every so often.
 */
export class LiveWorld {
  readonly store = memoryStore()
  readonly logs: string[] = []
  readonly rows = new Map<string, any>()
  readonly pipeline: Pipeline
  readonly logger: Logger
  private readonly source: string
  private readonly inspector: SourceInspector
  private readonly ticking = new AbortController()
  private readonly ticks: Promise<void>

  constructor(pipeline: Pipeline, inspector: SourceInspector) {
    this.pipeline = pipeline
    this.source = plan(pipeline).sources[0]!.name
    this.inspector = inspector
    const log = (level: string) => (message: string, fields?: object) =>
      void this.logs.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`)
    this.logger = { info: log('info'), warn: log('warn'), error: log('error') }
    const ticker = this.environment()
    this.ticks = (async () => {
      while (!this.ticking.signal.aborted) {
        await sleep(300, undefined, { signal: this.ticking.signal }).catch(() => undefined)
        // The source may be away.
        await ticker.invoke('tick', {}).catch((error) => this.logger.warn(`tick: ${error.message}`))
      }
    })()
  }

  environment(): Containers {
    const bindings = () => ({
      state: this.store,
      sink: async (node: { readonly name: string }) => ({
        write: async (batches: readonly SinkBatch[]) => {
          for (const { rows } of batches)
            for (const { value } of rows) this.keep(node.name, JSON.parse(JSON.stringify(value)))
        },
        close: async () => undefined,
      }),
      inspectors: { [this.source]: this.inspector },
      clock: systemClock,
      ids: randomIds,
      logger: this.logger,
      metrics: new InvocationMetrics(),
      timeoutMs: 10_000,
    })
    return new Containers(this.pipeline, bindings, new Faults(undefined), 10_000)
  }

  /** A result may be handed over again, and is the same then. */
  private keep(sink: string, row: any): void {
    const name = sink === 'results' ? row.id : `${sink} ${JSON.stringify(row)}`
    const before = this.rows.get(name)
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(row)) {
      throw new Error(`The result ${name} was ${JSON.stringify(before)} and is ${JSON.stringify(row)}.`)
    }
    this.rows.set(name, row)
  }

  readonly positionOf = async (split: string): Promise<string | undefined> => {
    const status = await this.status()
    return status.stages[0]!.splits.find((row) => row.split === `${this.source}/${split}`)?.position
  }

  /** Results of closed windows, by key and start; whatever else was written, under its own name. */
  results(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.rows].map(([id, row]) =>
        row.window === undefined ? [id, row] : [`${row.key} ${new Date(row.window.start).getTime()}`, row.value],
      ),
    )
  }

  status(): Promise<Status> {
    return statusOf(this.pipeline, this.store)
  }

  /** Records that were counted, over all splits. */
  async counted(): Promise<number> {
    const [stage] = (await this.status()).stages
    return stage!.splits.reduce((all, split) => all + split.in, 0)
  }

  async close(): Promise<void> {
    this.ticking.abort()
    await this.ticks
  }
}
