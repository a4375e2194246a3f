import { encodeKey, type Key, TIME_MAX } from '../../base/index.js'
import { InvocationMetrics, silentLogger } from '../../observe/index.js'
import type { OperatorPlan, Pipeline, WindowResult } from '../../pipeline/index.js'
import type { StateStore } from '../../ports/index.js'
import { LinkCheck } from '../../runtime/chain.js'
import { readCursor } from '../../runtime/cursor.js'
import { addEmissions, type Emission } from '../../runtime/emission.js'
import { Host } from '../../runtime/host.js'
import { FIRST_SEGMENT, groupKey } from '../../runtime/keys.js'
import { LaneCache } from '../../runtime/lane-cache.js'
import { decode, eachSegment } from '../../runtime/load.js'
import { ClosingSlice, closingSlices, marksOf } from '../../runtime/panes.js'
import { EVERY_KEY } from '../../runtime/segment.js'
import type { SliceCache } from '../../runtime/slice-cache.js'
import { byKey } from './sink-rows.js'

/** A window with rows that are not part of a result yet. */
export interface OpenWindow<K extends Key = Key, Value = unknown> {
  readonly key: K
  /** Half-open, ms since the epoch. */
  readonly window: { readonly start: number; readonly end: number }
  /** What the next result of the window would be if no other row arrived. */
  readonly value: Value
  /** `on-time`: the window has not ended. `late`: it has ended, and late rows wait for their pane. */
  readonly timing: 'early' | 'on-time' | 'late'
}

/**
 * The open windows of an operator, by their ends and then by key: the panes that its segments would give if everything
 * closed now. They are computed by the code that closes windows.
 */
export async function openWindows(
  pipeline: Pipeline,
  operator: OperatorPlan,
  store: StateStore,
  nowMs: number,
): Promise<OpenWindow[]> {
  const host = new Host(pipeline, {
    store,
    openSink: async () => ({ write: async () => undefined, close: async () => undefined }),
    inspector: () => undefined,
    clock: { now: () => nowMs },
    ids: { next: () => 'read' },
    logger: silentLogger,
    metrics: new InvocationMetrics(),
    timeoutMs: 1,
  })
  const windows: OpenWindow[] = []
  for (let lane = 0; lane < operator.lanes; lane++) {
    const cache = new LaneCache(operator)
    const links = new LinkCheck()
    const into = cache.reader()
    await eachSegment(host, operator, lane, { from: FIRST_SEGMENT, hi: TIME_MAX }, async (item) => {
      await decode(host, operator, item, links, EVERY_KEY, into)
      return true
    })
    for (const [keyGroup, slices] of cache.groups) {
      const [item] = await store.get([groupKey(host.prefix, operator.name, keyGroup)])
      const { slice } = readCursor((item?.cursor as string | undefined) ?? '')
      windows.push(...panesAfter(operator, slices, slice))
    }
  }
  return windows
    .map((window) => ({ window, text: encodeKey(window.key) }))
    .sort((a, b) => a.window.window.end - b.window.window.end || byKey(a.text, b.text))
    .map(({ window }) => window)
}

function panesAfter(operator: OperatorPlan, slices: SliceCache, closed: number): OpenWindow[] {
  const found: OpenWindow[] = []
  for (const slice of closingSlices(operator, [...slices.slices.values()].map(marksOf), closed, TIME_MAX)) {
    const closing = new ClosingSlice(operator, slice, slices)
    for (const key of closing.keys())
      for (const draft of closing.panes(key)) {
        const isEmpty = draft.pane.timing === 'on-time' && key.onTime.length === 0
        if (isEmpty) continue
        const emissions: Emission[] = []
        addEmissions(operator, slice, draft, '', 0, 0, emissions, [])
        for (const { row } of emissions) {
          const result = row as WindowResult<Key, unknown>
          if (result.op !== '-') found.push(openWindow(result))
        }
      }
  }
  return found
}

const openWindow = ({ key, window, value, pane }: WindowResult<Key, unknown>): OpenWindow => ({
  key,
  window,
  value,
  timing: pane.timing,
})
