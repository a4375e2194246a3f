import { describe, expect, it } from 'vitest'
import {
  calendar,
  collect,
  count,
  custom,
  type Duration,
  hopping,
  kinesisSource,
  max,
  ndjson,
  outOfOrder,
  pipeline,
  session,
  sum,
  tumbling,
  type WindowResult,
} from '../../lib/index.js'
import { testDriver } from '../../lib/testing/index.js'

interface Hit {
  readonly user: string
  readonly at: number
  readonly n?: number
  readonly gap?: Duration
}

const hits = kinesisSource('hits', { timestamp: (hit: Hit) => hit.at, watermark: outOfOrder('2s') })

type Options = Parameters<ReturnType<typeof keyed>['window']>[1]
declare function keyed(): import('../../lib/pipeline/index.js').KeyedStream<Hit, string>

type Rows = { out: WindowResult<string, any>; late: any; dead: any }

/** Windows over the hits of each user. */
function windows(spec: any, options: Options = {}, folds: any = { n: count(), total: sum((hit: Hit) => hit.n ?? 0) }) {
  return pipeline('hits', { deadLetter: ndjson('dead') }, (p) => {
    p.from(hits)
      .keyBy((hit) => hit.user)
      .window(spec, { every: '1s', late: ndjson('late'), ...options })
      .aggregate('windows', folds)
      .to(ndjson('out'))
  })
}

const S = 1000
const hit = (at: number, n = 1, user = 'a'): Hit => ({ user, at: at * S, n })
/** What a test looks at, times in seconds. */
const brief = ({ key, window, value, pane, op }: WindowResult<string, any>) =>
  `${op ?? ''}${key} ${window.start / S}-${window.end / S} n=${value.n} ${pane.timing} ${pane.index}${pane.first ? ' first' : ''}${pane.last ? ' last' : ''}`

/** What the sink has got, by window, with what was taken back. */
async function given(t: ReturnType<typeof testDriver<Rows>>): Promise<string[]> {
  return (await t.sink('out').changes()).map(({ value }) => brief(value))
}

describe('session windows', () => {
  it('join rows whose distance is at most the gap, and end one gap after the last', async () => {
    const t = testDriver<Rows>(windows(session('5s')))
    t.source(hits).send(hit(10), hit(11, 1, 'b'), hit(15), hit(20.001), hit(30), hit(60))
    expect(await given(t)).toEqual([
      'b 11-16 n=1 on-time 0 first last',
      'a 10-20 n=2 on-time 0 first last',
      'a 20.001-25.001 n=1 on-time 0 first last',
      'a 30-35 n=1 on-time 0 first last',
    ])
    const [, first] = await t.sink('out').rows()
    expect(first).toMatchObject({ key: 'a', value: { n: 2, total: 2 }, id: 'windows|"a"|10000-20000|0' })
  })

  it('has the sessions of the SQL standard table function: gap 5 min, by item', async () => {
    const minute = (text: string): number => (Date.parse(`2020-04-15T${text}:00Z`) % 86_400_000) / S
    const t = testDriver<Rows>(windows(session('5m')))
    t.source(hits).send(
      hit(minute('08:06'), 4),
      hit(minute('08:07'), 2),
      hit(minute('08:08'), 3),
      hit(minute('08:09'), 5, 'b'),
      hit(minute('08:17'), 1, 'b'),
      hit(minute('09:17'), 1, 'b'),
    )
    const rows = await t.sink('out').rows()
    const text = (time: number): string => new Date(time).toISOString().slice(11, 16)
    expect(rows.map(({ key, window, value }) => [key, text(window.start), text(window.end), value.total])).toEqual([
      ['a', '08:06', '08:13', 9],
      ['b', '08:09', '08:14', 5],
      ['b', '08:17', '08:22', 1],
    ])
  })

  it('a gap of the row: the session lasts as long as the longest says', async () => {
    const t = testDriver<Rows>(windows(session((row: Hit) => row.gap ?? '1s')))
    t.source(hits).send({ ...hit(10), gap: '20s' }, hit(12), hit(28), hit(40), hit(100))
    expect(await given(t)).toEqual(['a 10-30 n=3 on-time 0 first last', 'a 40-41 n=1 on-time 0 first last'])
  })

  it('a gap that is none rejects its row alone', async () => {
    const t = testDriver<Rows>(windows(session((row: Hit) => row.gap ?? '1s')))
    t.source(hits).send({ ...hit(10), gap: 0 as Duration }, hit(12), hit(100))
    expect(await given(t)).toEqual(['a 12-13 n=1 on-time 0 first last'])
    expect(await t.sink('dead').rows()).toMatchObject([
      { reason: 'bad-gap', detail: expect.stringContaining('at least 1 ms; the function gave 0') },
    ])
  })

  it('a late row joins a session, extends it, and bridges two that had their results', async () => {
    const t = testDriver<Rows>(windows(session('5s'), { allowedLateness: '60s', accumulation: 'retracting' }))
    t.source(hits).send(hit(10), hit(18), hit(40), hit(11), hit(14), hit(16.5), hit(300))
    expect(await given(t)).toEqual([
      '+a 10-15 n=1 on-time 0 first',
      // All three are late in one slice: the last of them brings both sessions together.
      '-a 10-15 n=1 late 1 last',
      '+a 10-23 n=5 late 0 first',
      '+a 18-23 n=1 on-time 0 first',
      '-a 18-23 n=1 late 1 last',
      '+a 40-45 n=1 on-time 0 first',
    ])
  })

  it('results that were replaced are taken back, whatever the accumulation, unless it discards', async () => {
    const rows = [hit(10), hit(40), hit(12), hit(13), hit(300)]
    const accumulating = testDriver<Rows>(windows(session('5s'), { allowedLateness: '60s' }))
    accumulating.source(hits).send(...rows)
    expect(await given(accumulating)).toEqual([
      'a 10-15 n=1 on-time 0 first',
      '-a 10-15 n=1 late 1 last',
      'a 10-18 n=3 late 0 first',
      'a 40-45 n=1 on-time 0 first',
    ])
    const discarding = testDriver<Rows>(windows(session('5s'), { allowedLateness: '60s', accumulation: 'discarding' }))
    discarding.source(hits).send(...rows)
    expect(await given(discarding)).toEqual([
      'a 10-15 n=1 on-time 0 first',
      'a 10-18 n=2 late 0 first',
      'a 40-45 n=1 on-time 0 first',
    ])
  })

  it('lateness is judged after a late row has joined its session', async () => {
    const t = testDriver<Rows>(windows(session('5s'), { allowedLateness: '4s' }))
    // The watermark is at 20. The session of 10 to 18 accepts rows until 22: a row at 9 joins it, one at 4 does not.
    t.source(hits).send(hit(10), hit(13), hit(22), hit(9), hit(4), hit(300))
    expect(await given(t)).toContain('a 9-18 n=3 late 0 first')
    expect(await t.sink('late').rows()).toMatchObject([
      {
        reason: 'expired',
        key: 'a',
        operator: 'windows',
        timestamp: 4000,
        windows: { count: 1, first: { start: 4000, end: 9000 } },
        payload: hit(4),
      },
    ])
  })

  it('emit final gives each session once, when its lateness is over', async () => {
    const t = testDriver<Rows>(windows(session('5s'), { allowedLateness: '10s', emit: 'final' }))
    t.source(hits).send(hit(10), hit(24), hit(12), hit(300))
    expect(await given(t)).toEqual(['a 10-17 n=2 on-time 0 first last', 'a 24-29 n=1 on-time 0 first last'])
  })

  it('invariants 1 to 10: give the same rows in every way', async () => {
    const folds = { n: count(), total: sum((row: Hit) => row.n ?? 0), ns: collect((row: Hit) => row.n) }
    const t = testDriver<Rows>(windows(session('5s'), { allowedLateness: '9s', accumulation: 'retracting' }, folds))
    t.source(hits)
      .split(0)
      .send(hit(10, 1), hit(14, 2), hit(13, 3, 'b'), hit(31, 4), hit(22, 5), hit(90, 6))
    t.source(hits)
      .split(1)
      .send(hit(12, 7), hit(11, 8, 'b'), hit(26, 9), hit(20, 10), hit(91, 11, 'b'))
    const { runs } = await t.everyWay((rows) => expect(rows.out.length).toBeGreaterThan(3))
    expect(runs).toBe(10)
  })
})

describe('calendar windows', () => {
  it('are days of a time zone, also on the day on which the clocks change', async () => {
    const at = (text: string): number => Date.parse(text) / S
    const t = testDriver<Rows>(windows(calendar('day', { timeZone: 'Europe/Berlin' }), { every: '1m' }))
    t.source(hits).send(
      hit(at('2026-03-28T22:59:59Z'), 1),
      hit(at('2026-03-28T23:00:00Z'), 2),
      hit(at('2026-03-29T21:59:59Z'), 4),
      hit(at('2026-03-29T22:00:00Z'), 8),
      hit(at('2026-04-02T00:00:00Z'), 16),
    )
    const rows = await t.sink('out').rows()
    expect(rows.map(({ window, value }) => [new Date(window.start).toISOString(), value.total])).toEqual([
      ['2026-03-27T23:00:00.000Z', 1],
      ['2026-03-28T23:00:00.000Z', 6],
      ['2026-03-29T22:00:00.000Z', 8],
    ])
  })
})

describe('early results', () => {
  it('come every so often while a window gets rows, and then the result on time', async () => {
    const t = testDriver<Rows>(windows(tumbling('1m'), { early: '10s' }))
    t.source(hits).send(hit(1), hit(3), hit(12), hit(45), hit(61), hit(130))
    expect(await given(t)).toEqual([
      'a 0-60 n=2 early 0 first',
      'a 0-60 n=3 early 1',
      'a 0-60 n=4 early 2',
      'a 0-60 n=4 on-time 3 last',
      'a 60-120 n=1 early 0 first',
      'a 60-120 n=1 on-time 1 last',
    ])
  })

  it('take back what they replace, or hold new rows only, as the accumulation says', async () => {
    const rows = [hit(1), hit(3), hit(12), hit(130)]
    const retracting = testDriver<Rows>(windows(tumbling('1m'), { early: '10s', accumulation: 'retracting' }))
    retracting.source(hits).send(...rows)
    expect(await given(retracting)).toEqual([
      '+a 0-60 n=2 early 0 first',
      '-a 0-60 n=2 early 1',
      '+a 0-60 n=3 early 1',
      '-a 0-60 n=3 on-time 2 last',
      '+a 0-60 n=3 on-time 2 last',
    ])
    const discarding = testDriver<Rows>(windows(tumbling('1m'), { early: '10s', accumulation: 'discarding' }))
    discarding.source(hits).send(...rows)
    expect(await given(discarding)).toEqual([
      'a 0-60 n=2 early 0 first',
      'a 0-60 n=1 early 1',
      'a 0-60 n=0 on-time 2 last',
    ])
  })

  it('come once there are so many new rows', async () => {
    const t = testDriver<Rows>(windows(hopping('20s', '10s'), { early: { count: 2 } }))
    t.source(hits).send(hit(11), hit(12), hit(13), hit(18), hit(25), hit(100))
    expect(await given(t)).toEqual([
      'a 0-20 n=2 early 0 first',
      'a 0-20 n=4 early 1',
      'a 0-20 n=4 on-time 2 last',
      'a 10-30 n=2 early 0 first',
      'a 10-30 n=4 early 1',
      'a 10-30 n=5 on-time 2 last',
      'a 20-40 n=1 on-time 0 first last',
    ])
  })
})

describe('windows with state for each key', () => {
  it('invariant 14: what a fold does not accept rejects its record, and the message names the field', async () => {
    const t = testDriver<Rows>(windows(session('5s')))
    t.source(hits).send(hit(10), { ...hit(11), n: 'x' as never }, hit(300))
    expect(await given(t)).toEqual(['a 10-15 n=1 on-time 0 first last'])
    const [letter] = await t.sink('dead').rows()
    expect(letter).toMatchObject({ reason: 'bad-value' })
    expect(letter.detail).toMatch(/^A row of "windows": field "total": sum\(\) folds finite numbers/)
  })

  it('refuse to have their open windows read, which are no slices', async () => {
    const t = testDriver<Rows>(windows(session('5s')))
    t.source(hits).send(hit(10))
    await expect(t.openWindows('windows')).rejects.toMatchObject({ code: 'no-slices' })
  })

  it('invariant 14: a fold whose result throws rejects its result alone', async () => {
    const fussy = custom({
      name: 'fussy',
      init: () => 0,
      add: (acc: number, row: Hit) => acc + (row.n ?? 0),
      merge: (a: number, b: number) => a + b,
      result: (acc: number) => {
        if (acc === 13) throw new Error('thirteen')
        return acc
      },
    })
    const t = testDriver<Rows>(windows(session('5s'), {}, { n: fussy }))
    t.source(hits).send(hit(10, 13), hit(30, 2), hit(300))
    expect(await given(t)).toEqual(['a 30-35 n=2 on-time 0 first last'])
    expect(await t.sink('dead').rows()).toMatchObject([
      {
        reason: 'step-threw',
        detail: expect.stringContaining('thirteen'),
        key: 'a',
        window: { start: 10_000, end: 15_000 },
      },
    ])
  })

  it('invariant 14: rows with which the state of a key would be too large go to the dead letter, with their folds', async () => {
    const folds = { n: count(), ns: collect((row: Hit) => `${row.n}`.padStart(1_000, '.'), { max: 500 }) }
    const t = testDriver<Rows>(windows(session('5s'), {}, folds))
    t.source(hits).send(hit(10, 1, 'b'), ...Array.from({ length: 150 }, (_, i) => hit(10 + i / 10, i)), hit(300))
    const dead = await t.sink('dead').rows()
    expect(dead[0]).toMatchObject({ reason: 'state-too-large', key: 'a', operator: 'windows', payload: { rows: 10 } })
    const counted = (await t.sink('out').rows()).filter(({ key }) => key === 'a').map(({ value }) => value.n as number)
    const refused = dead.map(({ payload }) => payload.rows as number)
    expect([...counted, ...refused].reduce((a, b) => a + b, 0)).toBe(150)
    expect((await t.sink('out').rows()).find(({ key }) => key === 'b')).toMatchObject({ value: { n: 1 } })
  })

  it('feed another operator, which takes back what they take back', async () => {
    const made = pipeline('chain', { deadLetter: ndjson('dead') }, (p) => {
      p.from(hits)
        .keyBy((row) => row.user)
        .window(session('5s'), { allowedLateness: '60s', accumulation: 'retracting', every: '1s' })
        .aggregate('sessions', { n: count() })
        .keyBy(() => 'all')
        .window(tumbling('1m'), { allowedLateness: '60s', accumulation: 'retracting' })
        .aggregate('perMinute', { n: count(), rows: sum((row) => row.value.n) })
        .to(ndjson('out'))
    })
    const t = testDriver<Rows>(made)
    t.source(hits).send(hit(10), hit(18), hit(70), hit(14), hit(400))
    const rows = await t.sink('out').changes()
    expect(rows.map(({ value: { op, window, value } }) => [op, window.start / S, value.n, value.rows])).toEqual([
      ['+', 0, 2, 2],
      ['-', 0, 2, 2],
      ['+', 0, 1, 3],
      ['+', 60, 1, 1],
    ])
  })

  it.each([{}, { allowedLateness: '60s', emit: 'final' }] as const)(
    'invariant 1: a result in time is never late for the windows after it: %o',
    async (options) => {
      const made = pipeline('chain', { deadLetter: ndjson('dead') }, (p) => {
        p.from(hits)
          .keyBy((row) => row.user)
          .window(session('5s'), { every: '1s', ...options })
          .aggregate('sessions', { n: count() })
          .keyBy(() => 'all')
          .window(tumbling('1s'))
          .aggregate('perSecond', { n: count() })
          .to(ndjson('out'))
      })
      const t = testDriver<Rows>(made)
      // Sessions that end where slices and windows do, and elsewhere.
      t.source(hits).send(hit(10), hit(20.001), hit(30.999), hit(41.5), hit(400))
      expect(await t.sink('dead').rows()).toEqual([])
      expect((await t.sink('out').rows()).map(({ window }: any) => window.start / S)).toEqual([15, 25, 35, 46])
    },
  )

  it.each<[string, () => unknown, string]>([
    [
      'no window',
      () => windows({ kind: 'sliding' }),
      'window() takes tumbling(), hopping(), cumulate(), session() or calendar().',
    ],
    [
      'offset',
      () => windows(session('5s'), { offset: '1s' }),
      'offset is for tumbling, hopping and cumulating windows; the window of "windows" is a session. Leave offset out.',
    ],
    [
      'empty',
      () => windows(tumbling('5s'), { early: '1s', empty: 'emit' }),
      'empty is for tumbling, hopping and cumulating windows without early results; the window of "windows" has early. Leave empty out.',
    ],
    [
      'early and final',
      () => windows(session('5s'), { early: '1s', emit: 'final' }),
      `the window of "windows" has early results and emit: 'final', which means one result. Leave one of them out.`,
    ],
    [
      'no early',
      () => windows(session('5s'), { early: {} }),
      `early of the window of "windows" is a duration such as '10s', or { every: '10s' }, { count: 100 }, or both; it is empty.`,
    ],
    [
      'early count',
      () => windows(session('5s'), { early: { count: 0 } }),
      'early.count of the window of "windows" is a number of rows from 1; it is 0.',
    ],
    [
      'early between',
      () => windows(session('5s'), { early: 150 }),
      'early of the window of "windows" must be a multiple of 100ms; it is 150ms.',
    ],
    [
      'too many windows of a record',
      () => windows(hopping('1h', '15s'), { early: '15s' }),
      'a record may fall into at most 200 windows; the window of "windows" gives 240. Use a longer slide or step, or leave early out.',
    ],
    [
      'every',
      () => windows(tumbling('5s')),
      'every is for windows that are kept as state of each key: session(), calendar(), and windows with early results. A tumbling window has slices of its own. Leave every out.',
    ],
    ['gap', () => session('0s'), 'The gap of a session window must be between 1ms and'],
    [
      'a gap in an object',
      () => session({ gap: '5s' } as never),
      `session() takes its gap alone: session('30m'), or a function of the row; it got an object`,
    ],
    ['an async gap', () => session((async () => '5s') as never), 'async'],
  ])('refuse %s', (_, make, message) => {
    expect(make).toThrow(message)
  })

  it('cannot take rows back, so what takes rows back cannot come before', () => {
    expect(() =>
      pipeline('chain', { deadLetter: ndjson('dead') }, (p) => {
        p.from(hits)
          .keyBy((row) => row.user)
          .window(tumbling('5s'), { allowedLateness: '60s', accumulation: 'retracting' })
          .aggregate('first', { n: count() })
          .keyBy((row) => row.key)
          .window(session('5s'))
          .aggregate('second', { n: count(), most: max((row) => row.value.n) })
          .to(ndjson('out'))
      }),
    ).toThrow(/"second" \(sessions\) reads the retracting "first", but it cannot take rows back/)
  })
})
