import type { Flight } from '../../../examples/flights/pipeline.js'
import {
  avg,
  count,
  iso,
  kafkaSource,
  kinesisSource,
  max,
  ndjson,
  outOfOrder,
  pipeline,
  tumbling,
} from '../../../lib/index.js'

/** Another way to say the same. */
const delayOf = ({ delay }: Flight): number => (delay < 0 ? -Math.abs(delay) : Math.abs(delay))
const isDelayed = (flight: Flight): boolean => !(delayOf(flight) <= 15)

const options = {
  timestamp: ({ scheduled }: Flight) => iso(scheduled.trim()),
  watermark: outOfOrder('180m'),
  partitionKey: ({ origin }: Flight) => origin,
}

/** The next version of the flights' code: written anew, of the same graph. */
export default pipeline('flights', { keyGroups: 1, deadLetter: ndjson('rejected') }, (p) =>
  p
    .from(kinesisSource('departures-a-l', options), kafkaSource('departures-m-z', options))
    .keyBy(({ origin }) => origin)
    .window(tumbling('60m'), { allowedLateness: '120m', late: ndjson('late') })
    .aggregate('hourly', {
      flights: count(),
      meanDelay: avg(delayOf),
      worstDelay: max(delayOf),
      shareDelayed: avg((flight) => Number(isDelayed(flight))),
    })
    .to(ndjson('hourly')),
)
