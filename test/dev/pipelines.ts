import {
  count,
  kafkaSource,
  kinesisSource,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  sum,
  tumbling,
} from '../../lib/index.js'
import { Random } from '../../lib/testing/random.js'

interface Click {
  readonly t: number
  readonly k: string
  readonly v: number
}

/**
 * Clicks of a stream and of a topic, counted. `onRecord` is called for each record that is folded, again when it comes
 * again.
 */
export function clicks(onRecord: () => void = () => undefined): Pipeline {
  const options = {
    timestamp: (click: Click) => {
      onRecord()
      return click.t
    },
    watermark: outOfOrder('20s'),
    partitionKey: (click: Click) => click.k,
  }
  return pipeline('clicks', { keyGroups: 2, deadLetter: ndjson('rejected'), minAdvance: 0 }, (p) =>
    p
      .from(kinesisSource('stream', options), kafkaSource('topic', options))
      .filter((click) => click.v !== 7)
      .keyBy((click) => click.k)
      .window(tumbling('10s'), { allowedLateness: '10s', late: ndjson('late') })
      .aggregate('clicks', { n: count(), total: sum((click) => click.v) })
      .to(ndjson('clicks')),
  )
}

/** Records nearly in order, some of them late, some too late, some bad. */
export function clickLines(records: number, seed: number): string[] {
  const random = new Random(seed)
  return Array.from({ length: records }, (_, i) => {
    if (random.below(50) === 0) return '{"t":'
    const late = random.below(40) === 0 ? 45_000 : random.below(8) === 0 ? 25_000 : random.below(5_000)
    return JSON.stringify({ t: 1_000_000 + i * 100 - late, k: `key ${random.below(9)}`, v: random.below(10) })
  })
}
