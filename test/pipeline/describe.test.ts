import { describe, expect, it } from 'vitest'
import { avg, count, sum } from '../../lib/aggregate/index.js'
import { describe as inWords, pipeline } from '../../lib/pipeline/index.js'
import { cumulate, tumbling } from '../../lib/window/index.js'
import { legacy, orders, sink } from './fixtures.js'

describe('describe', () => {
  it('says a stateless pipeline in words', () => {
    const made = pipeline('copy', { deadLetter: sink('rejected'), idle: { close: false } }, (p) =>
      p
        .from(orders)
        .map((o) => o.id)
        .to(sink('ids')),
    )
    expect(inWords(made)).toMatchInlineSnapshot(`
      "pipeline copy   fingerprint 6e7d93edc1e13f41d69cc1a064c29016   key groups 4

      test orders   watermark out-of-order 30s
        map (o) => o.id
          -> test ids

      rejected records -> rejected
      writes spread over 1 partition key for checkpoints and each range of keys; DynamoDB accepts about 1,000 write units a second for each
      idle after 1m; windows wait for records when every split is idle"
    `)
  })

  it('says sources that merge, a side output, a chain, and what each stateful step costs', () => {
    const made = pipeline('shop', (p) => {
      const small = p.from(orders, legacy).sideOutput(
        (o) => o.amount > 100,
        (large) => large.to(sink('large')),
      )
      const hourly = small
        .filter((o) => o.amount > 0)
        .keyBy((o) => o.customer)
        .window(tumbling('1h'), { allowedLateness: '2m', accumulation: 'retracting' })
        .aggregate('hourly', { total: sum((o) => o.amount), mean: avg((o) => o.amount) })
      hourly
        .to(sink('hourly'))
        .keyBy(() => null)
        .window(cumulate('1d', '1h'))
        .aggregate('so-far', { total: sum((r) => r.value.total), shops: count() })
        .to(sink('so-far'))
    })
    expect(inWords(made)).toMatchInlineSnapshot(`
      "pipeline shop   fingerprint d7e26062ccd451aaac34ef794420d8ab   key groups 4

      test orders   watermark out-of-order 30s
        merge
          sideOutput (o) => o.amount > 100
            side
              -> test large
            filter (o) => o.amount > 0
              hourly: tumbling(1h) { total: sum, mean: avg }   lateness 2m, retracting
                -> test hourly
                so-far: cumulate(1d, 1h) { total: sum, shops: count }   lateness 0s, accumulating
                  -> test so-far
      test legacy   watermark out-of-order 30s
        merge   (as above)

      hourly: stage 0, slices of 2m, 1 a bucket
        writes: a batch that spans the event time T makes up to (T / 2m + 1) x 4 segments; disorder up to 30s adds 4
        reads: closing a window reads 30 slices of each key group; a late pane up to 32; a warm container reads each slice once

      so-far: stage 1, slices of 1h, 1 a bucket
        writes: a batch that spans the event time T makes up to (T / 1h + 1) x 4 segments; disorder up to 0s adds 0
        reads: closing a window reads 24 slices of each key group; a warm container reads each slice once

      rejected records -> dead-letter
      writes spread over 1 partition key for checkpoints and each range of keys; DynamoDB accepts about 1,000 write units a second for each
      idle after 1m; when every split has been idle for 5m, the windows that hold rows are closed"
    `)
  })
})
