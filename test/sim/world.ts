import { ingest, tick } from '../../lib/handlers/index.js'
import type { Pipeline } from '../../lib/index.js'
import { InvocationMetrics, silentLogger } from '../../lib/observe/index.js'
import { plan } from '../../lib/pipeline/index.js'
import type { Item, Sink, SinkBatch, SinkNode, SourceInspector, StateStore } from '../../lib/ports/index.js'
import { memoryStore } from '../../lib/state/memory/index.js'

/** mulberry32. */
export function random(seed: number): () => number {
  let s = seed
  return () => {
    s = (s + 0x6d2b79f5) | 0
    let t = Math.imul(s ^ (s >>> 15), 1 | s)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export interface WorldOptions {
  readonly seed: number
  /** NDJSON lines by source and split. */
  readonly logs: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
  /** Chance that a call is the last of its process. */
  readonly crash?: number
  /** Chance that a poller gives an attempt up, which lives on. */
  readonly redeliver?: number
  /** Chance that an old batch comes again. */
  readonly stray?: number
  /** Most records of a batch. */
  readonly batch?: number
  /** Lines appear over time, so that splits go idle; else all are there from the start. */
  readonly trickle?: boolean
  readonly stepsMax?: number
  /** Heap that one advance may fill: tiny, so that it reads a bucket at a time. */
  readonly advanceBytesMax?: number
}

export interface Outcome {
  readonly finished: boolean
  /** Rows by sink and id, each id once. */
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, any>>
  /** Ids that came with two contents. */
  readonly conflicts: readonly string[]
  /** Law 9: positions, watermarks, gates and cursors that went back. */
  readonly backwards: readonly string[]
  readonly steps: number
  readonly errors: readonly string[]
  readonly store: StateStore
  readonly trace: readonly string[]
}

/** What only grows, and did not. */
function backwardsOf(before: Item, after: Item, step: number): string[] {
  return ['position', 'own', 'top', 'gate', 'epoch', 'proposed', 'watermark', 'cursor'].flatMap((name) => {
    const was = before[name]
    const is = after[name]
    return was !== undefined && (is === undefined || is < was)
      ? [`step ${step}: ${name} of ${before.pk} ${before.sk} from ${String(was)} to ${String(is)}`]
      : []
  })
}

interface Waiting {
  readonly label: string
  readonly go: () => void
  readonly process: { dead: boolean }
}

interface Split {
  readonly source: string
  readonly id: string
  readonly lines: readonly string[]
  written: number
  next: number
  active: object | undefined
}

const turn = async (): Promise<void> => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * Runs a pipeline's real handlers under a scheduler that owns every await of their ports: one call goes on at a time, chosen by the seed. Attempts crash
 * at any call, before or after its effect, come back as zombies at any later time, and are delivered again with other cuts.
 */
export async function simulate(pipeline: Pipeline, options: WorldOptions): Promise<Outcome> {
  const R = random(options.seed)
  const pick = (n: number): number => Math.floor(R() * n)
  let { crash = 0.02, redeliver = 0.02, stray = 0.004 } = options
  const batch = options.batch ?? 6
  const waiting: Waiting[] = []
  const trace: string[] = []
  const errors: string[] = []
  const backwards: string[] = []
  const rows = new Map<string, Map<string, any>>()
  const conflicts: string[] = []
  const inner = memoryStore()
  let steps = 0
  const call = async <T>(process: { dead: boolean }, label: string, work: () => Promise<T>): Promise<T> => {
    await new Promise<void>((resolve) => {
      waiting.push({ label, go: resolve, process })
    })
    if (process.dead || R() < crash) {
      process.dead = true
      return new Promise<T>(() => undefined)
    }
    const result = await work()
    if (R() < crash) {
      process.dead = true
      return new Promise<T>(() => undefined)
    }
    return result
  }
  const splits: Split[] = Object.entries(options.logs).flatMap(([source, logs]) =>
    Object.entries(logs).map(([id, lines]) => ({
      source,
      id,
      lines,
      written: options.trickle ? 0 : lines.length,
      next: 0,
      active: undefined,
    })),
  )
  const record = (sink: string, batches: readonly SinkBatch[]): void => {
    const known = rows.get(sink) ?? rows.set(sink, new Map()).get(sink)!
    for (const { rows: list } of batches) {
      for (const row of list) {
        const text = JSON.stringify(row.value)
        if (known.has(row.id) && JSON.stringify(known.get(row.id)) !== text)
          conflicts.push(`${sink} ${row.id}: ${JSON.stringify(known.get(row.id))} / ${text}`)
        known.set(row.id, JSON.parse(text))
      }
    }
  }
  const start = () => {
    const process = { dead: false }
    const store: StateStore = {
      get: (keys) => call(process, `get ${keys.map((k) => `${k.pk} ${k.sk}`).join()}`, () => inner.get(keys)),
      insert: (items) =>
        call(process, `insert ${items.map((i) => `${i.pk} ${i.sk}->${String(i.to)}`).join()}`, () =>
          inner.insert(items),
        ),
      update: (update) =>
        call(process, `update ${update.key.pk} ${update.key.sk} ${JSON.stringify(update.set)}`, async () => {
          const [before] = await inner.get([update.key])
          const verdict = await inner.update(update)
          if (before && verdict.applied) backwards.push(...backwardsOf(before, verdict.item, steps))
          return verdict
        }),
      query: (range) => call(process, `query ${range.pk} ${range.from}`, () => inner.query(range)),
      usage: () => inner.usage(),
      close: async () => undefined,
    }
    const inspector = (source: string): SourceInspector => ({
      bounded: true,
      list: () =>
        call(process, 'list', async () =>
          splits.filter((s) => s.source === source).map((s) => ({ split: s.id, closed: s.written === s.lines.length })),
        ),
      peek: (id, after) =>
        call(process, 'peek', async () => {
          const split = splits.find((s) => s.id === id && s.source === source)!
          return split.written > (after === '0' ? 0 : Number(after) + 1) ? 'waiting' : 'nothing'
        }),
    })
    const bindings = {
      state: store,
      sink: async (node: SinkNode<any>): Promise<Sink> => ({
        write: (batches) =>
          call(
            process,
            `sink ${node.name} ${batches.map((b) => (b.kind === 'operator' ? b.part : b.split)).join()}`,
            async () => record(node.name, batches),
          ),
        close: async () => undefined,
      }),
      inspectors: Object.fromEntries(plan(pipeline).sources.map((source) => [source.name, inspector(source.name)])),
      clock: { now: () => 1_700_000_000_000 + steps * 100 },
      ids: { next: () => `n${steps}-${pick(1e9)}` },
      logger: {
        ...silentLogger,
        error: (message: string, fields: any) =>
          void (/throttled/.test(fields?.error) || errors.push(`${message} ${JSON.stringify(fields)}`)),
      },
      metrics: new InvocationMetrics(),
      timeoutMs: 20_000,
      ...(options.advanceBytesMax !== undefined && { advanceBytesMax: options.advanceBytesMax }),
    }
    return { process, ingest: ingest(pipeline, bindings), tick: tick(pipeline, bindings) }
  }
  const idle: ReturnType<typeof start>[] = []
  let running = 0
  const invoke = (name: 'ingest' | 'tick', event: unknown, settled: (ok: boolean, answer: any) => void): void => {
    const container = idle.length > 0 && R() < 0.8 ? idle.splice(pick(idle.length), 1)[0]! : start()
    running++
    const attempt = { process: container.process }
    attempts.add(attempt)
    container[name](event)
      .then(
        (answer) => {
          idle.push(container)
          settled(true, answer)
        },
        (error) => {
          errors.push(String(error))
          idle.push(container)
          settled(false, undefined)
        },
      )
      .finally(() => {
        running--
        attempts.delete(attempt)
      })
  }
  const attempts = new Set<{ process: { dead: boolean } }>()
  const deliver = (split: Split, from: number, to: number, token: object | undefined): void => {
    const records = split.lines.slice(from, to).map((data, i) => ({ split: split.id, offset: from + i, data }))
    trace.push(`${steps} deliver ${split.id} ${from}-${to}`)
    invoke('ingest', { eventSource: 'millrace:file', source: split.source, records }, (ok, answer) => {
      if (token === undefined || split.active !== token) return
      split.active = undefined
      const failed = answer?.batchItemFailures?.[0]?.itemIdentifier?.offset
      if (ok) split.next = Math.max(split.next, failed ?? to)
    })
  }
  const finished = async (): Promise<boolean> => {
    const [mark] = await inner.get([{ pk: `${pipeline.name}.1#0#splits`, sk: '!' }])
    if (((mark?.watermark as number | undefined) ?? 0) < 4e15) return false
    for (const operator of plan(pipeline).operators) {
      for (let keyGroup = 0; keyGroup < operator.keyGroups; keyGroup++) {
        const [item] = await inner.get([{ pk: `${pipeline.name}.1#${operator.name}#${keyGroup}`, sk: 'c' }])
        if (!String(item?.cursor).startsWith((4e15 + 4.5e15).toString(36).padStart(11, '0'))) return false
      }
    }
    return true
  }
  const limit = options.stepsMax ?? 20_000
  let ticking = 0
  let done = false
  while (steps++ < limit) {
    if (steps === Math.floor(limit / 3)) {
      crash = 0
      redeliver = 0
      stray = 0
    }
    for (const split of splits) {
      if (split.written < split.lines.length && R() < 0.02)
        split.written = Math.min(split.lines.length, split.written + 1 + pick(5))
      if (split.active !== undefined && R() < redeliver) split.active = undefined
      if (split.next > 0 && R() < stray) {
        const from = pick(split.next)
        deliver(split, from, Math.min(split.next, from + 1 + pick(batch)), undefined)
      }
      if (split.active === undefined && split.next < split.written && R() < 0.3) {
        const to = Math.min(split.written, split.next + 1 + pick(batch))
        split.active = {}
        deliver(split, split.next, to, split.active)
      }
    }
    if (ticking < 2 && R() < 0.05) {
      ticking++
      invoke('tick', {}, () => {
        ticking--
      })
    }
    await turn()
    // What is dead never answers: the poller sees a timeout.
    for (const attempt of attempts) {
      if (!attempt.process.dead) continue
      attempts.delete(attempt)
      running--
    }
    for (let i = waiting.length - 1; i >= 0; i--) if (waiting[i]!.process.dead) waiting.splice(i, 1)
    if (waiting.length > 0) {
      const [next] = waiting.splice(R() < 0.3 ? waiting.length - 1 : pick(waiting.length), 1)
      trace.push(`${steps} ${next!.label}`)
      next!.go()
      await turn()
    } else {
      // Nothing can go on: what was given up on is delivered anew, and lost ticks come again.
      for (const split of splits) if (split.active !== undefined && running === 0) split.active = undefined
      if (running === 0) ticking = 0
      if (splits.every((split) => split.next === split.lines.length) && (await finished())) {
        done = true
        break
      }
    }
    if (steps % 50 === 0 && ticking >= 2 && [...attempts].length === 0) ticking = 0
  }
  return { finished: done, rows, conflicts, backwards, steps, errors, store: inner, trace }
}
