import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { pollKafka } from '../lib/dev/live/kafka-poller.js'
import { positionOf } from '../lib/dev/live/positions.js'
import { freePort } from '../lib/dev/services/daemon.js'
import { startDynamodb } from '../lib/dev/services/dynamodb.js'
import { startKafka } from '../lib/dev/services/kafka.js'
import type { LocalService } from '../lib/dev/services/service.js'
import { table } from '../lib/dev/text.js'
import { ingest, tick } from '../lib/handlers/index.js'
import {
  callback,
  count,
  dynamodbTable,
  kafkaSource,
  outOfOrder,
  type Pipeline,
  pipeline,
  sum,
  tumbling,
} from '../lib/index.js'
import { InvocationMetrics, silentLogger } from '../lib/observe/index.js'
import type { SinkNode } from '../lib/ports/index.js'
import { kafkaInspector } from '../lib/sources/kafka/inspector.js'
import { dynamodbStore } from '../lib/state/dynamodb/index.js'
import { createTable } from '../lib/state/dynamodb/table.js'
import { apart } from './apart.js'
import { localCredentials } from './dynamodb.js'
import { type Latencies, nowMs, STEPS, Trace } from './latency-trace.js'
import { machine } from './machine.js'

/** How long a batch waits to be filled, how far the watermark trails event time, and its minimum advance, ms. */
interface Setting {
  readonly windowMs: number
  readonly boundMs: number
  readonly minAdvanceMs: number
}

/**
 * The mapping's default; the default of `millrace dev`; the minimum of provisioned pollers; with out-of-order records;
 * the pipeline's default `minAdvance`.
 */
const SETTINGS: readonly Setting[] = [
  { windowMs: 500, boundMs: 0, minAdvanceMs: 0 },
  { windowMs: 100, boundMs: 0, minAdvanceMs: 0 },
  { windowMs: 0, boundMs: 0, minAdvanceMs: 0 },
  { windowMs: 0, boundMs: 100, minAdvanceMs: 0 },
  { windowMs: 0, boundMs: 0, minAdvanceMs: 2_000 },
]
const PER_SECOND = 1_000
const PARTITIONS = 2
const KEYS = 10
const WARM_MS = 5_000
const MEASURED_MS = 20_000
/** Records are due every millisecond, and are sent at this interval. */
const SEND_MS = 5
const TICK_MS = 5_000

interface Click {
  readonly t: number
  readonly k: string
  readonly v: number
}

function clicks(name: string, { boundMs, minAdvanceMs }: Setting, onLost: (rows: number) => void): Pipeline {
  const options = { timestamp: (click: Click) => click.t, watermark: outOfOrder(boundMs) }
  return pipeline(
    name,
    { minAdvance: minAdvanceMs, deadLetter: callback('lost', (rows) => onLost(rows.length)) },
    (p) =>
      p
        .from(kafkaSource(name, options))
        .keyBy((click) => click.k)
        .window(tumbling('1s'))
        .aggregate('per-second', { clicks: count(), total: sum((click) => click.v) })
        .to(dynamodbTable('results')),
  )
}

/**
 * One setting in a separate process with producer, poller, handlers and sink, so that one clock measures all of them.
 */
export async function latency(setting: number, broker: string, endpoint: string): Promise<Latencies> {
  const given = SETTINGS[setting]!
  const name = `clicks-${setting}`
  let lost = 0
  const built = clicks(name, given, (rows) => {
    lost += rows
  })
  const connection = { brokers: [broker] }
  const kafka = new kafkajs.Kafka({ ...connection, logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: name, numPartitions: PARTITIONS }], waitForLeaders: true })
  await admin.disconnect()
  const trace = new Trace()
  const store = trace.store(await dynamodbStore('state', { endpoint }))
  const inspector = kafkaInspector({ topic: name, connection })
  const bindings = {
    state: store,
    sink: (node: SinkNode<any>) =>
      node.name === 'results' ? node.open({ pipeline: name, run: 1 }).then((sink) => trace.sink(sink)) : undefined,
    inspectors: { [name]: inspector },
    metrics: new InvocationMetrics(),
    logger: silentLogger,
  }
  const handle = ingest(built, bindings)
  const ticker = tick(built, bindings)
  await ticker({})
  const stopping = new AbortController()
  const polling = pollKafka({
    topic: name,
    connection,
    group: name,
    invoke: (_, event) => {
      trace.event(event)
      return handle(event)
    },
    positionOf: (split) => positionOf(built, store, name, split),
    batch: 1_000,
    batchingWindowMs: given.windowMs,
    signal: stopping.signal,
    logger: silentLogger,
  })
  polling.catch(() => undefined)
  const ticking = setInterval(() => void ticker({}), TICK_MS)
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  const started = Math.ceil(nowMs() / 1000) * 1000
  await produce(producer, name, started, started + WARM_MS + MEASURED_MS)
  // Records in flight must arrive, because the figures below would otherwise have no end.
  await sleep(4 * given.windowMs + 2_000)
  clearInterval(ticking)
  stopping.abort()
  await polling
  await producer.disconnect()
  await inspector.close()
  await store.close()
  if (lost > 0) throw new Error(`${lost} records were late or rejected: the figures would not be those of all.`)
  const tail = Math.max(1_000, given.minAdvanceMs + 1_000)
  return trace.latencies(started + WARM_MS, started + WARM_MS + MEASURED_MS - tail, given.boundMs)
}

/** One record is due each millisecond, whether the broker keeps up or not: its timestamp is when it was due. */
async function produce(producer: kafkajs.Producer, topic: string, from: number, to: number): Promise<void> {
  const stepMs = 1000 / PER_SECOND
  let n = 0
  const due = (): number => from + n * stepMs
  while (due() < to) {
    const messages: kafkajs.Message[] = []
    for (const now = nowMs(); due() <= now && due() < to; n++) {
      const t = Math.floor(due())
      messages.push({
        partition: n % PARTITIONS,
        timestamp: String(t),
        value: JSON.stringify({ t, k: `key ${n % KEYS}`, v: n }),
      })
    }
    if (messages.length > 0) await producer.send({ topic, messages })
    await sleep(SEND_MS)
  }
}

/** The time from a record's production to the durable result that it completes, in steps. */
export async function latencyBench(isJson: boolean): Promise<void> {
  localCredentials()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const services: LocalService[] = []
  const results: Latencies[] = []
  try {
    const place = async () => ({ folder, port: await freePort(), detached: false })
    services.push(await startKafka(await place()))
    services.push(await startDynamodb({ ...(await place()), memory: true }))
    const [broker, dynamodb] = services.map(({ endpoint }) => endpoint) as [string, string]
    process.env.AWS_ENDPOINT_URL_DYNAMODB = dynamodb
    for (const name of ['state', 'results']) await createTable(name, { endpoint: dynamodb })
    for (const setting of SETTINGS.keys()) results.push(await apart('latency', setting, broker, dynamodb))
  } finally {
    for (const service of services) await service.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const on = `${machine()}; one Kafka broker and DynamoDB Local on the same machine`
  if (isJson) {
    console.log(
      JSON.stringify({ on, settings: SETTINGS.map((setting, i) => ({ ...setting, ...results[i] })) }, undefined, 2),
    )
    return
  }
  const [first] = results as [Latencies]
  console.log(
    `${PER_SECOND.toLocaleString('en-US')} records/s for ${MEASURED_MS / 1000} s after ${WARM_MS / 1000} s, tumbling windows of 1 s, ${KEYS} keys, ${PARTITIONS} partitions, results in a table. On ${on}.\n` +
      `ms, p50 / p99. The first two steps are measured on ${first[STEPS[0]].count.toLocaleString('en-US')} records, the others on about ${first['end to end'].count} windows, so that their p99 is the maximum.\n`,
  )
  const column = ({ windowMs, boundMs, minAdvanceMs }: Setting): string => `${windowMs} / ${boundMs} / ${minAdvanceMs}`
  console.log(
    table(
      ['batching window / disorder / minAdvance, ms', ...SETTINGS.map(column)],
      STEPS.map((step) => [step, ...results.map((one) => `${one[step].p50.toFixed(0)} / ${one[step].p99.toFixed(0)}`)]),
    ),
  )
}
