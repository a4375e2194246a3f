import { describe, expect, it } from 'vitest'
import { collect, first, last, ndjson, pipeline, tumbling } from '../../lib/index.js'
import { fileEvent, Harness } from './harness.js'
import { type Reading, readings } from './pipelines.js'

const tied = pipeline('tied', { deadLetter: ndjson('dead'), keyGroups: 1 }, (p) =>
  p
    .from(readings('a'), readings('b'))
    .keyBy((r) => r.k)
    .window(tumbling('10s'))
    .aggregate('w', {
      first: first((r: Reading) => r.v),
      last: last((r: Reading) => r.v),
      all: collect((r: Reading) => r.v),
    })
    .to(ndjson('out')),
)

describe('invariant 13: ties', () => {
  it('two sources with splits of one id, at one position and time, are told apart by their names', async () => {
    for (const order of [
      ['a', 'b'],
      ['b', 'a'],
    ]) {
      const world = new Harness(tied)
      for (const source of order)
        await world.container().ingest(fileEvent(source, 'part-0', 0, [{ t: 1000, k: 'x', v: source === 'a' ? 1 : 2 }]))
      for (const source of order) world.sources[source]!.splits = [{ split: 'part-0', closed: true }]
      const stored = (await world.segments('w')).map((item) => Buffer.from(item.data as Uint8Array).toString())
      expect(stored.map((text) => /"([ab])\/part-0"/.exec(text)?.[1]).sort()).toEqual(['a', 'b'])
      await world.container().tick()
      expect(world.rows.get('out')?.map((row) => row.value)).toEqual([{ first: 1, last: 2, all: [1, 2] }])
    }
  })
})
