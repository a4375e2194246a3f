import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Progress, type RunOptions, type RunSummary, run } from '../../lib/dev/index.js'
import { imbalance } from '../../lib/dev/summary.js'
import { callback, fileSource, ndjson, outOfOrder, pipeline } from '../../lib/index.js'
import { draws } from '../draws.js'
import { testFolder, writeLines } from './folders.js'
import { clickLines, clicks } from './pipelines.js'

const path = testFolder('run')
const RECORDS = draws(600, 1_500)
const inputs = {
  stream: [writeLines(path('stream.ndjson'), clickLines(RECORDS, 1))],
  topic: [writeLines(path('topic.ndjson'), clickLines(RECORDS, 2))],
}
const asked = (name: string, more: Partial<RunOptions> = {}): RunOptions => ({
  inputs,
  splits: 3,
  batch: 100,
  state: `lmdb:${path(name, 'state')}`,
  out: path(name, 'out'),
  ...more,
})
const bytesOf = (name: string): string[] =>
  ['clicks', 'late', 'rejected'].map((sink) => readFileSync(path(name, 'out', `${sink}.ndjson`), 'utf8'))

let whole: string[]
let summary: RunSummary
beforeAll(async () => {
  summary = await run(clicks(), asked('whole'))
  whole = bytesOf('whole')
})

describe('a local run', () => {
  it('invariant 10: ends with all input counted, and says so', () => {
    expect([summary.complete, summary.alreadyComplete, summary.delivered]).toEqual([true, false, 2 * RECORDS])
    expect(imbalance(summary)).toBeUndefined()
    const { splits } = summary.status.stages[0]!
    expect(splits).toHaveLength(6)
    expect(splits.reduce((sum, split) => sum + split.in, 0)).toBe(2 * RECORDS)
    for (const text of whole) expect(text.length).toBeGreaterThan(0)
    const rows = (text: string): any[] =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    const counted = splits.reduce((sum, split) => sum + split.operators[0]!.counted, 0)
    // Accumulating panes: of each window the last one has all of it.
    const last = new Map(rows(whole[0]!).map((row) => [`${row.key}${row.window.start}`, row.value.n]))
    expect([...last.values()].reduce((sum, n) => sum + n, 0)).toBe(counted)
    expect(rows(whole[1]!)).toHaveLength(splits.reduce((sum, split) => sum + split.operators[0]!.expired, 0))
    expect(rows(whole[2]!)).toHaveLength(splits.reduce((sum, split) => sum + split.rejected, 0))
    expect(existsSync(path('whole', 'out', '.lock'))).toBe(false)
  })

  it('invariant 1: what is rejected says the same in every run, whatever the clock', async () => {
    const rows = ['{"t":', { t: 'soon', k: 'a' }, { t: Date.now() + 3 * 86_400_000, k: 'a' }, { t: 9e15, k: 'a' }]
    const files = { stream: [writeLines(path('bad-s'), rows)], topic: [writeLines(path('bad-t'), rows)] }
    const seen: string[] = []
    for (const name of ['clock 1', 'clock 2']) {
      await run(clicks(), asked(name, { inputs: files }))
      seen.push(readFileSync(path(name, 'out', 'rejected.ndjson'), 'utf8'))
    }
    expect(seen[1]).toBe(seen[0])
    expect(seen[0]!.trimEnd().split('\n')).toHaveLength(8)
    expect(seen[0]).toContain('future-timestamp')
  })

  it('invariant 10: the steps add up, by branch', () => {
    const text = summary.flow.map(({ depth, step, in: entered, out, rejected }) => {
      expect(entered).toBeGreaterThanOrEqual(out)
      return `${depth} ${step.split(' ')[0]} ${entered - rejected}`
    })
    const { splits } = summary.status.stages[0]!
    const sum = (of: (split: (typeof splits)[number]) => number): number =>
      splits.reduce((n, split) => n + of(split), 0)
    const [passed, taken] = [sum((split) => split.passed), sum((split) => split.in - split.rejected)]
    const results = summary.sinks.find(({ name }) => name === 'clicks')!.rows
    expect(text.filter((step) => !/^0/.test(step))).toEqual([
      `1 merge ${taken}`,
      `2 filter ${taken}`,
      `3 clicks ${passed}`,
      `4 -> ${results}`,
    ])
    expect(sum((split) => split.operators[0]!.counted + split.operators[0]!.expired)).toBe(passed)
    const rejected = summary.rejected.filter(({ sink }) => sink === 'rejected')
    expect(rejected.reduce((n, { rows }) => n + rows, 0)).toBe(sum((split) => split.rejected))
  })

  it('run again with another graph is refused, though all is done', async () => {
    const other = pipeline('clicks', (p) =>
      p
        .from(
          fileSource('stream', { timestamp: (row: { t: number }) => row.t, watermark: outOfOrder('1s') }),
          fileSource('topic', { timestamp: (row: { t: number }) => row.t, watermark: outOfOrder('1s') }),
        )
        .to(ndjson('clicks')),
    )
    expect(other.name).toBe(clicks().name)
    await expect(run(other, asked('whole'))).rejects.toThrow(
      /^The state of run 1 of "clicks" belongs to another graph: .*\(locally: --fresh\)\.$/,
    )
    expect(bytesOf('whole')).toEqual(whole)
  })

  it('run again finds all done, and leaves the bytes as they are', async () => {
    const again = await run(clicks(), asked('whole'))
    expect([again.complete, again.alreadyComplete, again.delivered]).toEqual([true, true, 0])
    expect(bytesOf('whole')).toEqual(whole)
  })

  it('in memory, in other batches, gives the same bytes', async () => {
    await run(clicks(), asked('memory', { state: 'memory', batch: 7 }))
    expect(bytesOf('memory')).toEqual(whole)
  })

  it('invariants 2, 3, 8: stopped three times and gone on with, it gives the same bytes', async () => {
    let stops = 0
    let resumed: RunSummary | undefined
    const done: number[] = []
    const onProgress = (progress: Progress): number => done.push(progress.done!)
    for (let attempt = 0; attempt < 10 && resumed?.complete !== true; attempt++) {
      const stop = new AbortController()
      let seen = 0
      const pipeline = clicks(() => {
        if (++seen === draws(280, 700) && stops < 3) stop.abort()
      })
      resumed = await run(pipeline, asked('resumed', { signal: stop.signal, onProgress }))
      if (!resumed.complete) stops++
      expect(imbalance(resumed)).toBeUndefined()
    }
    expect([stops, resumed?.complete, resumed?.alreadyComplete]).toEqual([3, true, false])
    // Progress goes on from where it was.
    expect(done).toEqual([...done].sort((a, b) => a - b))
    expect([done.length > 3, done.at(-1)]).toEqual([true, 2 * RECORDS])
    expect(bytesOf('resumed')).toEqual(whole)
  })

  it.each([1, 2])('invariants 2, 4, 5, 8: under faults of seed %i it gives the same bytes', async (chaos) => {
    const chaotic = await run(clicks(), asked(`chaos${chaos}`, { chaos, state: 'memory', batch: 150 }))
    expect(chaotic.complete).toBe(true)
    expect(Object.values(chaotic.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10)
    expect(bytesOf(`chaos${chaos}`)).toEqual(whole)
  })

  it('refuses to go on with other input, and --fresh starts over', async () => {
    await expect(run(clicks(), asked('whole', { splits: 2 }))).rejects.toThrow('3 splits per source, not 2')
    const fresh = await run(clicks(), asked('whole', { splits: 3, fresh: true }))
    expect([fresh.complete, fresh.alreadyComplete, fresh.delivered]).toEqual([true, false, 2 * RECORDS])
    expect(bytesOf('whole')).toEqual(whole)
  })
})

describe('a run that is asked to stop', () => {
  it('before it began delivers nothing', async () => {
    const stopped = await run(clicks(), asked('never', { signal: AbortSignal.abort() }))
    expect([stopped.complete, stopped.delivered]).toEqual([false, 0])
    await run(clicks(), asked('never'))
    expect(bytesOf('never')).toEqual(whole)
  })

  it('invariant 11: has nobody at work any more when it returns', async () => {
    let working = 0
    let rows = 0
    const stop = new AbortController()
    const passed = pipeline('passed', { deadLetter: ndjson('dead') }, (p) =>
      p.from(fileSource('in', { timestamp: (r: any) => r.t ?? 0, watermark: outOfOrder('1s') })).to(
        callback('slow', async (more) => {
          working++
          stop.abort()
          await new Promise((resolve) => setTimeout(resolve, 30))
          rows += more.length
          working--
        }),
      ),
    )
    const file = writeLines(
      path('passed.ndjson'),
      Array.from({ length: 1_000 }, (_, t) => ({ t })),
    )
    const stopped = await run(passed, {
      inputs: { in: [file] },
      batch: 100,
      state: 'memory',
      out: path('passed'),
      signal: stop.signal,
    })
    expect([stopped.complete, stopped.delivered, working, rows]).toEqual([false, 100, 0, 100])
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(rows).toBe(100)
    expect(readdirSync(path('passed'))).not.toContain('.lock')
  })
})
