import { describeStateStore } from '../../state/conformance.js'
import { type Rates, SeededWorld } from './seeded-world.js'
import { simulatedStore } from './simulated-store.js'
import { SimulatedTable } from './table.js'

const open =
  (rates: Rates = {}, options: { partiql?: boolean } = {}) =>
  async () =>
    simulatedStore(new SimulatedTable(), new SeededWorld(1, rates).caller(), options)

describeStateStore('dynamodb, simulated', open(), { refusedInsertsAreBlind: true })
describeStateStore('dynamodb, simulated, by single puts', open({}, { partiql: false }), { isFaulty: true })

/** Faults that leave no doubt: whatever comes of them has to be exact. */
const CERTAIN: Rates = {
  'ddb-provisioned-throughput': 0.03,
  'ddb-throttling': 0.03,
  'ddb-request-limit': 0.03,
  'ddb-conflict': 0.05,
  'ddb-slow-answer': 0.2,
  'ddb-member-throttled': 0.1,
  'ddb-member-conflict': 0.1,
  'ddb-torn-batch': 0.1,
  'ddb-torn-read': 0.2,
  'ddb-unprocessed-some': 0.2,
  'ddb-unprocessed-all': 0.1,
  'ddb-empty-page': 0.2,
  'ddb-last-key': 0.5,
}
const FAULTY = { isFaulty: true, items: 2_000, scripts: 60 }
describeStateStore('dynamodb, simulated, throttled and cut', open(CERTAIN), FAULTY)
describeStateStore('dynamodb, simulated, throttled and cut, by single puts', open(CERTAIN, { partiql: false }), FAULTY)
