import type { Sink, StateStore } from '../lib/ports/index.js'

/** Wall time with a fraction, ms: measurements and timestamps of records use the same clock. */
export const nowMs = (): number => performance.timeOrigin + performance.now()

/** Durations of one step, ms. */
export interface Times {
  readonly count: number
  readonly p50: number
  readonly p99: number
}

export const STEPS = [
  'produced to polled',
  'polled to checkpoint',
  'checkpoint to watermark',
  'watermark to result',
  'result latency',
  'window end to watermark',
  'end to end',
] as const
export type Step = (typeof STEPS)[number]
export type Latencies = Readonly<Record<Step, Times>>

interface Arrival {
  readonly offset: number
  readonly produced: number
  readonly polled: number
}

/** Records when records arrive, when checkpoints and watermarks are acknowledged, and when results are durable. */
export class Trace {
  private readonly arrivals = new Map<number, Arrival[]>()
  private readonly checkpoints = new Map<number, { readonly offset: number; readonly at: number }[]>()
  private readonly watermarks: { readonly watermark: number; readonly at: number }[] = []
  /** The time of the last row of each window, by the window's end: its result is complete then. */
  private readonly results = new Map<number, number>()

  event(event: any): void {
    const polled = nowMs()
    for (const list of Object.values<any[]>(event.records)) {
      for (const { partition, offset, timestamp } of list)
        listOf(this.arrivals, partition).push({ offset, produced: timestamp, polled })
    }
  }

  store(store: StateStore): StateStore {
    return {
      get: (keys) => store.get(keys),
      insert: (items) => store.insert(items),
      updateAll: (updates) => store.updateAll(updates),
      query: (range) => store.query(range),
      usage: () => store.usage(),
      close: () => store.close(),
      update: async (update) => {
        const verdict = await store.update(update)
        const at = nowMs()
        const { position, watermark } = update.set
        if (verdict.applied && typeof position === 'string') {
          const partition = Number(/-(\d+)$/.exec(update.key.sk)![1])
          listOf(this.checkpoints, partition).push({ offset: Number(position), at })
        }
        if (verdict.applied && typeof watermark === 'number') this.watermarks.push({ watermark, at })
        return verdict
      },
    }
  }

  sink(sink: Sink): Sink {
    return {
      close: () => sink.close(),
      write: async (batches) => {
        const refused = await sink.write(batches)
        const at = nowMs()
        for (const { rows } of batches) for (const { value } of rows) this.results.set((value as any).window.end, at)
        return refused
      },
    }
  }

  /** The steps of records produced, and of windows that ended, between the two times. */
  latencies(from: number, to: number, boundMs: number): Latencies {
    const times = Object.fromEntries(STEPS.map((step) => [step, [] as number[]])) as Record<Step, number[]>
    for (const [partition, arrivals] of this.arrivals) {
      for (const arrival of arrivals) {
        if (arrival.produced < from || arrival.produced >= to) continue
        times['produced to polled'].push(arrival.polled - arrival.produced)
        times['polled to checkpoint'].push(this.checkpointed(partition, arrival) - arrival.polled)
      }
    }
    for (const [end, result] of this.results) {
      if (end < from || end > to - boundMs) continue
      // The record of each partition that passes the window's end; the last of them lets the window close.
      const closing = [...this.arrivals].map(([partition, list]) => {
        const arrival = list.find(({ produced }) => produced - boundMs >= end)!
        return { produced: arrival.produced, checkpointed: this.checkpointed(partition, arrival) }
      })
      const produced = Math.max(...closing.map((one) => one.produced))
      const checkpointed = Math.max(...closing.map((one) => one.checkpointed))
      const published = this.watermarks.find(({ watermark }) => watermark >= end)!.at
      times['checkpoint to watermark'].push(published - checkpointed)
      times['watermark to result'].push(result - published)
      times['result latency'].push(result - produced)
      times['window end to watermark'].push(published - end)
      times['end to end'].push(result - end)
    }
    return Object.fromEntries(STEPS.map((step) => [step, summary(times[step])])) as Latencies
  }

  private checkpointed(partition: number, { offset }: Arrival): number {
    return this.checkpoints.get(partition)!.find((checkpoint) => checkpoint.offset >= offset)!.at
  }
}

function listOf<T>(lists: Map<number, T[]>, partition: number): T[] {
  let list = lists.get(partition)
  if (list === undefined) {
    list = []
    lists.set(partition, list)
  }
  return list
}

/** Percentiles by nearest rank. */
function summary(times: readonly number[]): Times {
  const sorted = [...times].sort((a, b) => a - b)
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99) }
}
