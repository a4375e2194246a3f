import { getHeapStatistics } from 'node:v8'
import { advance, ingest, tick } from '../lib/handlers/index.js'
import { callback, count, fileSource, outOfOrder, type Pipeline, pipeline, sum, tumbling } from '../lib/index.js'
import { InvocationMetrics, silentLogger } from '../lib/observe/index.js'
import type { AdvanceRequest, StateStore } from '../lib/ports/index.js'
import { lmdbStore } from '../lib/state/lmdb/index.js'

/** A task of a process: to fill a store with one slice, or to close it. */
export interface HeapTask {
  readonly phase: 'fill' | 'close'
  readonly dir: string
  readonly keys: number
  readonly keyGroups: number
  /** The timeout of the function, which no invocation exceeds. */
  readonly timeoutMs: number
  /** Replaces the runtime's own bound. */
  readonly advanceBytes?: number
}

export interface HeapFigures {
  readonly invocations: number
  readonly cpuMs: number
  readonly longestMs: number
  readonly requests: number
  readonly writeUnits: number
  readonly readUnits: number
  /** How often a lane was read for a range of keys. */
  readonly keyRanges: number
  readonly rows: number
  readonly counted: number
  readonly sum: number
  readonly limitMb: number
  /** The maximum observed at a call of the store or of the sink; `rssMb` is the operating system's figure. */
  readonly heapMb: number
  readonly externalMb: number
  readonly buffersMb: number
  readonly rssMb: number
}

const BATCH = 10_000
const WINDOW_MS = 60_000
/** After this many invocations in a row without progress, the slice would never close. */
const STUCK_INVOCATIONS = 10
const MB = 1024 * 1024

const out = { rows: 0, counted: 0, sum: 0 }
const most = { heap: 0, external: 0, buffers: 0 }

/**
 * Time as a function with one CPU would have it: the CPU time of all threads. Other work of the machine does not affect
 * it.
 */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function look(): void {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  most.heap = Math.max(most.heap, heapUsed)
  most.external = Math.max(most.external, external)
  most.buffers = Math.max(most.buffers, arrayBuffers)
}

const made = (keyGroups: number): Pipeline =>
  pipeline('heap', { deadLetter: callback('dead', refuse), keyGroups, minAdvance: 0 }, (p) =>
    p
      .from(fileSource('events', { timestamp: (e: Event) => e.t, watermark: outOfOrder(WINDOW_MS) }))
      .keyBy((e) => e.k)
      .window(tumbling(WINDOW_MS))
      .aggregate('w', { n: count(), sum: sum((e) => e.v) })
      .to(
        callback('out', (rows) => {
          look()
          out.rows += rows.length
          for (const { value } of rows) {
            out.counted += value.value.n
            out.sum += value.value.sum ?? 0
          }
        }),
      ),
  )

interface Event {
  readonly t: number
  readonly k: string
  readonly v: number
}

function refuse(rows: readonly { value: unknown }[]): void {
  throw new Error(`unexpected rejection: ${JSON.stringify(rows[0]!.value)}`)
}

/**
 * Each key once, in the order of the multiples of an odd number, so that consecutive keys are close neither in name nor
 * in hash. A value is the key's number modulo 100.
 */
function* events(from: number, to: number): Generator<unknown> {
  for (let i = from; i < to; i++)
    yield { split: 'p', offset: i, data: `{"t":${i % WINDOW_MS},"k":"customer-${nameOf(i)}","v":${i % 100}}` }
}

const nameOf = (i: number): string => (Math.imul(i, 0x9e37_79b1) >>> 0).toString(16)

function watched(store: StateStore): StateStore {
  return {
    ...store,
    query: async (range) => {
      const page = await store.query(range)
      look()
      return page
    },
  }
}

/** Runs one phase through the handlers, one invocation after another, each with the timeout of a function. */
export async function heapPhase({ phase, dir, keys, keyGroups, timeoutMs, advanceBytes }: HeapTask) {
  const store = watched(await lmdbStore(dir))
  const totals = new Map<string, number>()
  const waiting: AdvanceRequest[] = []
  const ended = phase === 'close'
  const bindings = {
    state: store,
    inspectors: {
      events: {
        bounded: true,
        list: async () => [{ split: 'p', closed: ended }],
        peek: async () => (ended ? ('nothing' as const) : ('waiting' as const)),
      },
    },
    logger: silentLogger,
    metrics: new InvocationMetrics((metrics) => {
      for (const [name, { value }] of metrics) totals.set(name, (totals.get(name) ?? 0) + value)
    }),
    queue: { advance: async (request: AdvanceRequest) => void waiting.push(request) },
    ...(advanceBytes !== undefined && { limits: { advanceBytes } }),
  }
  const started = cpuMs()
  let invocations = 0
  let longestMs = 0
  const invoke = async (handle: (event: unknown, context: any) => Promise<unknown>, event: unknown): Promise<void> => {
    const begun = cpuMs()
    await handle(event, { getRemainingTimeInMillis: () => timeoutMs - (cpuMs() - begun) })
    invocations++
    longestMs = Math.max(longestMs, cpuMs() - begun)
  }
  if (phase === 'fill') {
    const handle = ingest(made(keyGroups), bindings)
    for (let at = 0; at < keys; at += BATCH) {
      const records = [...events(at, Math.min(keys, at + BATCH))]
      await invoke(handle, { eventSource: 'millrace:file', source: 'events', records })
    }
  } else {
    await invoke(tick(made(keyGroups), bindings), {})
    const handle = advance(made(keyGroups), bindings)
    for (let still = 0; waiting.length > 0; ) {
      const before = out.rows
      await invoke(handle, waiting.shift())
      still = out.rows === before ? still + 1 : 0
      if (still > STUCK_INVOCATIONS) throw new Error('invocations make no progress any more')
    }
  }
  const spentMs = cpuMs() - started
  const usage = store.usage()
  await store.close()
  const figures: HeapFigures = {
    invocations,
    cpuMs: spentMs,
    longestMs,
    ...usage,
    keyRanges: totals.get('KeyRanges') ?? 0,
    ...out,
    limitMb: Math.round(getHeapStatistics().heap_size_limit / MB),
    heapMb: Math.round(most.heap / MB),
    externalMb: Math.round(most.external / MB),
    buffersMb: Math.round(most.buffers / MB),
    rssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  }
  return figures
}

const task = process.argv[2]
if (process.send !== undefined && task?.startsWith('{'))
  process.send(await heapPhase(JSON.parse(task)), () => process.exit(0))
