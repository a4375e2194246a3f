import { writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { picture } from '../../examples/flights/picture.js'
import flights from '../../examples/flights/pipeline.js'
import { costReport, parseRate, shapeOf } from '../../lib/cost/index.js'
import { progressPrinter, progressText, stepPrinter } from '../../lib/dev/cli/progress.js'
import { costText } from '../../lib/dev/cost-text.js'
import { type RunSummary, summaryText } from '../../lib/dev/index.js'
import { rowsText } from '../../lib/dev/rows-text.js'
import { table } from '../../lib/dev/text.js'
import { columnsOf, fitText, lengthOf } from '../../lib/dev/wrap.js'
import { describe as describePipeline, plan } from '../../lib/pipeline/index.js'
import { testFolder, writeLines } from './folders.js'

const path = testFolder('terminal')
const WIDTHS = [60, 80, 120]
const widest = (text: string): number => Math.max(...text.split('\n').map(lengthOf))

const operator = { counted: 1_134_270, late: 374, expired: 66, outside: 0 }
const split = (name: string) => ({
  split: name,
  status: 'member',
  stopped: '',
  position: `056:${'4'.repeat(56)}`,
  ownWatermark: 1_000_000_000_000,
  in: 14_172,
  rejected: 1,
  filtered: 2,
  passed: 14_169,
  repeats: 0,
  held: 0,
  unlikely: 0,
  empty: 0,
  steps: [],
  operators: [operator, operator, operator],
  highest: 1_000_000_100_000,
  checkpointedAt: 0,
})
const stage = {
  stage: 0,
  watermark: 1_000_000_000_000,
  ended: false,
  complete: false,
  splits: ['departures-a-l/shardId-000000000000', 'departures-m-z/departures-m-z-0'].map(split),
  operators: ['hourly', 'hourly-by-carrier', 'daily'],
}
const status = { complete: false, openWindows: 12, stages: [stage] }
const summary: RunSummary = {
  pipeline: 'flights',
  complete: false,
  alreadyComplete: false,
  delivered: 28_344,
  seconds: 1,
  cpuSeconds: 0.13,
  busySeconds: 0.9,
  invocations: 13,
  resumed: false,
  status,
  sinks: [
    { name: 'hourly', file: '/out/hourly.ndjson', rows: 1_234 },
    { name: 'late', file: '/out/late.ndjson', rows: 2 },
  ],
  flow: [
    { depth: 0, step: 'departures-a-l', in: 14_172, out: 14_171, rejected: 1, note: '1 rejected' },
    {
      depth: 1,
      step: 'filter (flight) => flight.delay !== undefined && flight.…',
      in: 14_171,
      out: 14_169,
      rejected: 0,
      note: '2 dropped',
    },
    {
      depth: 2,
      step: 'hourly-by-carrier (3h hopping)',
      in: 14_169,
      out: 1_234,
      rejected: 0,
      note: '42,507 counted (each row in up to 3 windows), 12 of them late, 3 expired',
    },
  ],
  rejected: [
    {
      sink: 'rejected',
      file: '/out/rejected.ndjson',
      reason: 'bad-timestamp',
      rows: 1,
      example: {
        source: 'departures-a-l',
        split: 'shardId-000000000000',
        position: '1',
        detail: 'timestamp: a time with its zone is needed, as 2001-01-01T05:00:00Z has it',
        place: { file: '/a/folder/of/some/depth/departures.ndjson', line: 17 },
      },
    },
  ],
  usage: { requests: 260, writeUnits: 520, readUnits: 130.5 },
  faults: { throttle: 3, kill: 1, zombie: 12, duplicate: 4, overlap: 5, 'lost-answer': 6 },
}

/** A week of flights of some airports, as the example writes them. */
function week(): string {
  const HOUR = 3_600_000
  const start = Date.UTC(2001, 0, 1)
  const rows = ['ORD', 'ATL', 'LAX'].flatMap((key) =>
    Array.from({ length: 7 * 24 }, (_, hour) => ({
      key,
      window: { start: start + hour * HOUR, end: start + (hour + 1) * HOUR },
      value: { flights: 10 + (hour % 24), meanDelay: hour % 30, worstDelay: 90, shareDelayed: 0.2 },
    })),
  )
  return writeLines(path('week.ndjson'), rows)
}

describe('no line is wider than the terminal', () => {
  it.each(WIDTHS)('of %i columns', (width) => {
    vi.stubEnv('COLUMNS', String(width))
    const shape = shapeOf(plan(flights))
    const load = { recordsPerSecond: parseRate('500/s'), recordBytes: 300, keys: 1_000 }
    const letters = table(
      ['reason', 'source', 'rows', 'can be sent again', 'such as'],
      [
        [
          'bad-timestamp',
          'departures-a-l',
          '12',
          '0',
          'timestamp: a time with its zone is needed, as 2001-01-01T05:00:00Z has it',
        ],
      ],
    )
    const positions = table(
      ['split', 'state', 'position', 'own watermark', 'in', 'rejected', 'repeats'],
      stage.splits.map(({ split, position }) => [split, 'member', position, '2001-09-09 01:46', '14,172', '1', '0']),
    )
    const shown = {
      summary: fitText(summaryText(summary), width),
      describe: fitText(describePipeline(flights), width),
      cost: fitText(costText(costReport(shape, load, { latencyMs: 10_000 })), width),
      letters,
      positions,
      picture: picture(week(), width),
      rows: rowsText({ name: 'hourly', file: week(), rows: 504 }, 5),
      progress: progressText(
        { delivered: 28_344, perSecond: 9_999, status, done: 100_000, total: 113_493, share: 0.88 },
        width - 1,
      ),
    }
    vi.unstubAllEnvs()
    for (const [name, text] of Object.entries(shown))
      expect(widest(text), `${name}:\n${text}`).toBeLessThanOrEqual(width)
    // Narrower, and with all that is said.
    expect(shown.positions.replace(/\s/g, '')).toContain(stage.splits[0]!.position)
    expect(shown.summary.match(/1,134,270/g)).toHaveLength(6)
    expect(shown.letters.replace(/\s+/g, ' ')).toContain('zone')
    expect(shown.picture.split('\n')).toHaveLength(5)
  })

  it('a table has its heads over several lines, its columns in blocks, or a cell a line', () => {
    const head = ['split', 'counted rows', 'of it late', 'expired']
    const rows = [
      ['orders/0', '1,200', '3', '0'],
      ['all', '1,200', '3', '0'],
    ]
    expect(table(head, rows, 60)).toBe(
      'split     counted rows  of it late  expired\norders/0         1,200           3        0\nall              1,200           3        0',
    )
    expect(table(head, rows, 34)).toBe(
      '          counted  of it\nsplit        rows   late  expired\norders/0    1,200      3        0\nall         1,200      3        0',
    )
    expect(table(head, rows, 26)).toBe(
      '          counted  of it\nsplit        rows   late\norders/0    1,200      3\nall         1,200      3\n\nsplit     expired\norders/0        0\nall             0',
    )
    expect(table(['split', 'position'], [['orders/0', '4'.repeat(20)]], 26)).toBe(
      `split     orders/0\nposition  ${'4'.repeat(16)}\n          ${'4'.repeat(4)}`,
    )
  })

  it('a terminal says how wide it is; where there is none it counts as 80', () => {
    expect(columnsOf({ columns: 101 })).toBe(101)
    vi.stubEnv('COLUMNS', '')
    expect(columnsOf({})).toBe(80)
    vi.stubEnv('COLUMNS', '72')
    expect(columnsOf({})).toBe(72)
    vi.unstubAllEnvs()
  })
})

/** A terminal of a width, and what it was sent. */
function terminal(columns: number | undefined) {
  const out = new PassThrough() as unknown as NodeJS.WriteStream
  let text = ''
  out.on('data', (chunk) => {
    text += String(chunk)
  })
  if (columns !== undefined) Object.assign(out, { isTTY: true, columns })
  return { out, text: () => text }
}

describe('progress', () => {
  it('says how much of how much, and drops from the end what does not fit', () => {
    const progress = { delivered: 400, perSecond: 9_999, status, done: 100_000, total: 113_493, share: 0.881 }
    expect(progressText(progress)).toBe(
      '100,000 of 113,493 events (88%)   9,999/s   watermark 2001-09-09 01:46   lag 2 min   open windows 12',
    )
    expect(progressText(progress, 79)).toBe('100,000 of 113,493 events (88%)   9,999/s   watermark 2001-09-09 01:46')
    expect(progressText({ ...progress, total: undefined, share: 0.3 }, 60)).toBe(
      '100,000 events (30%)   9,999/s   watermark 2001-09-09 01:46',
    )
    const { out, text } = terminal(60)
    const printer = progressPrinter(out, () => 0)
    printer.show(progress)
    printer.end()
    printer.end()
    expect(text()).toBe('\r\x1b[K100,000 of 113,493 events (88%)   9,999/s\r\x1b[K')
  })

  it('of other work shows once it has taken a second, and every two seconds where there is no terminal', () => {
    for (const [columns, lines] of [
      [80, ['\r\x1b[K1200 sent', '\r\x1b[K2500 sent', '\r\x1b[K']],
      [undefined, ['2500 sent\n']],
    ] as const) {
      let now = 0
      const { out, text } = terminal(columns)
      const step = stepPrinter(out, () => now)
      for (now of [200, 1_200, 2_500]) step.show(`${now} sent`)
      step.end()
      expect(text()).toBe(lines.join(''))
    }
  })
})

describe('rows of a result', () => {
  it('of windows are a table, others as they are', () => {
    expect(rowsText({ name: 'hourly', file: week(), rows: 504 }, 2)).toBe(
      `hourly: the first 2 of 504 rows\n${table(
        ['key', 'from', 'to', 'flights', 'meanDelay', 'worstDelay', 'shareDelayed'],
        [
          ['ORD', '2001-01-01 00:00', '2001-01-01 01:00', '10', '0', '90', '0.2'],
          ['ORD', '2001-01-01 01:00', '2001-01-01 02:00', '11', '1', '90', '0.2'],
        ],
      )}`,
    )
    writeFileSync(path('plain.ndjson'), '{"a":1}\n')
    expect(rowsText({ name: 'plain', file: path('plain.ndjson'), rows: 1 }, 5)).toBe('plain: 1 row\n{"a":1}')
    writeFileSync(path('none.ndjson'), '')
    expect(rowsText({ name: 'none', file: path('none.ndjson'), rows: 0 }, 5)).toBe('none: 0 rows')
  })
})
