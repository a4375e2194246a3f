import { describe, expect, it } from 'vitest'
import { count, fileSource, hopping, ndjson, outOfOrder, pipeline, sum, tumbling } from '../../lib/index.js'
import { adviceOf, plan } from '../../lib/pipeline/index.js'

const rows = fileSource('rows', { timestamp: (row: { t: number; k: string }) => row.t, watermark: outOfOrder('1s') })

describe('what is said of a pipeline when it is built', () => {
  it('windows with gaps are named, with both durations', () => {
    const made = pipeline('gappy', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(rows)
        .keyBy(({ k }) => k)
        .window(hopping('1m', '1h'))
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )
    expect(adviceOf(plan(made))).toEqual([
      {
        code: 'windows-with-gaps',
        text: 'The windows of "w", hopping(1m, 1h), have gaps: a slide of 1h is longer than the size. Rows between two windows belong to no window; the metric OutsideWindows counts them. hopping(size, slide) takes the size first.',
      },
    ])
  })

  it('an operator that allows less lateness than the one before it is named, with the fix', () => {
    const made = pipeline('chain', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(rows)
        .keyBy(({ k }) => k)
        .window(tumbling('1m'), { allowedLateness: '10m', accumulation: 'discarding' })
        .aggregate('minutes', { n: count() })
        .keyBy(() => 'all')
        .window(tumbling('1h'), { allowedLateness: '1m' })
        .aggregate('hours', { n: sum((row) => row.value.n) })
        .to(ndjson('out')),
    )
    expect(adviceOf(plan(made)).map(({ code, text }) => `${code}: ${text}`)).toEqual([
      'less-lateness: "hours" allows 1m of lateness, and reads "minutes", which allows 10m. Late results of "minutes" may arrive too late for "hours" and expire there. Give "hours" an allowedLateness of 10m or more.',
    ])
  })

  it('nothing is said of others', () => {
    const made = pipeline('plain', { deadLetter: ndjson('dead') }, (p) =>
      p
        .from(rows)
        .keyBy(({ k }) => k)
        .window(hopping('1h', '1m'))
        .aggregate('w', { n: count() })
        .to(ndjson('out')),
    )
    expect(adviceOf(plan(made))).toEqual([])
  })
})
