import { describe, expect, it } from 'vitest'
import { ndjson, pipeline } from '../../lib/index.js'
import { raw, testDriver } from '../../lib/testing/index.js'
import { chain, legacy, order, orders, revenue } from './driver-pipelines.js'

/** A record of each kind, in one batch of one split. */
function sent() {
  const t = testDriver(revenue)
  const records = t
    .source(orders)
    .send(
      order(1, 1_000),
      order(2, 2_000, 'b', -1),
      order(3, 3_000, 'b', 5_000),
      raw('{"id":'),
      order(4, 13_000),
      order(5, 4_000),
      order(6, 30_000),
      order(7, 5_000),
    )
  return { t, records }
}

describe('explain', () => {
  it('gives a verdict for every kind of record', async () => {
    const { t, records } = sent()
    const verdicts = []
    for (const record of records) verdicts.push((await t.explain(record)).verdict)
    expect(verdicts).toEqual(['counted', 'filtered', 'passed on', 'rejected', 'counted', 'late', 'counted', 'expired'])
  })

  it('a record that counts: its time, its watermark, its steps, its windows, and the results that contain it', async () => {
    const { t } = sent()
    const explanation = await t.explain(order(4, 13_000))
    expect(explanation).toMatchObject({
      source: 'orders',
      split: 'shardId-000000000000',
      verdict: 'counted',
      time: 13_000,
      watermark: { before: 1_000, after: 11_000 },
      steps: [{ gave: true }, { gave: false }, { step: 'revenue', gave: 'a' }],
      windows: [{ operator: 'revenue', key: 'a', start: 10_000, end: 20_000, standing: 'open' }],
      results: [{ operator: 'revenue', key: 'a', value: { orders: 1, total: 4 } }],
      rows: [{ sink: 'revenue', op: '+', value: { key: 'a', value: { orders: 1, total: 4 } } }],
    })
    expect(explanation.text).toContain('counted in 1970-01-01 00:00:10 to 00:00:20')
  })

  it('a late record, an expired one, and one that was rejected', async () => {
    const { t, records } = sent()
    const late = await t.explain(records[5])
    expect(late.windows).toMatchObject([{ start: 0, end: 10_000, standing: 'late' }])
    expect(late.watermark).toEqual({ before: 11_000, after: 11_000 })
    expect(late.results).toMatchObject([{ pane: { index: 1, timing: 'late' }, value: { total: 6 } }])
    expect(late.text).toContain('counted late in 1970-01-01 00:00 to 00:00:10')
    const expired = await t.explain(records[7])
    expect(expired.windows).toMatchObject([{ end: 10_000, standing: 'expired' }])
    expect(expired.results).toEqual([])
    expect(expired.rows).toMatchObject([{ sink: 'late', value: { reason: 'expired' } }])
    expect(expired.text).toContain('expired: its windows no longer accepted rows when it arrived')
    const rejected = await t.explain(records[3])
    expect(rejected).toMatchObject({ verdict: 'rejected', reason: 'bad-json', time: undefined, steps: [], windows: [] })
    expect(rejected.text).toContain('rejected, bad-json: ')
  })

  it('follows a record down a chain of operators, and through what happened after it', async () => {
    const t = testDriver(chain)
    t.source(orders).split(0).send(order(1, 1_000), order(2, 2_000))
    const [record] = t.source(legacy).split(2).send(order(3, 3_000))
    expect((await t.explain(record)).results).toEqual([])
    t.endOfInput()
    const { results, rows } = await t.explain(record)
    expect(results.map(({ operator, value }) => [operator, value])).toEqual([
      ['perKey', { orders: 3, total: 6 }],
      ['perMinute', { keys: 1, total: 6 }],
    ])
    expect(rows.map(({ sink }) => sink)).toEqual(['perKey', 'perMinute'])
  })

  it('a tombstone has no value; a record whose step threw shows where', async () => {
    const strict = pipeline('strict', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(legacy)
        .map((one) => {
          if (one.amount > 1) throw new RangeError('too much')
          return one
        })
        .to(ndjson('out')),
    )
    const t = testDriver(strict)
    const [none, much] = t.source(legacy).send(raw(null), order(2, 1_000))
    expect(await t.explain(none)).toMatchObject({ verdict: 'no value', rows: [] })
    expect(await t.explain(much)).toMatchObject({
      verdict: 'rejected',
      reason: 'step-threw',
      steps: [{ threw: expect.stringContaining('too much') }],
      rows: [{ sink: 'dead' }],
    })
  })

  it('finds a row by identity, or by what it holds, and says what it cannot find', async () => {
    const t = testDriver(revenue)
    const same = order(1, 1_000)
    t.source(orders).split(0).send(same, order(2, 1_000))
    t.source(orders)
      .split(1)
      .send({ ...same }, order(3, 1_000))
    expect((await t.explain(same)).split).toBe('shardId-000000000000')
    expect((await t.explain(order(3, 1_000))).split).toBe('shardId-000000000001')
    await expect(t.explain(order(1, 1_000))).rejects.toThrow(
      'explain() takes one record, but 2 records are like this: orders shardId-000000000000 record 0, orders shardId-000000000001 record 0. Give what send() returned for one of them.',
    )
    await expect(t.explain(order(4, 1_000))).rejects.toThrow('None of the 4 records is an object.')
    const [foreign] = testDriver(revenue).source(orders).send(same)
    await expect(t.explain(foreign)).rejects.toThrow('another driver has sent this one')
  })

  it('changes nothing: what is read before and after is the same', async () => {
    const { t, records } = sent()
    const before = [await t.sink('revenue').rows(), await t.openWindows('revenue'), await t.counts('revenue')]
    await t.explain(records[0])
    expect([await t.sink('revenue').rows(), await t.openWindows('revenue'), await t.counts('revenue')]).toEqual(before)
  })
})
