import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { missingJava } from '../../lib/dev/services/jars.js'
import { numberText, table } from '../../lib/dev/text.js'
import { Random } from '../../lib/testing/random.js'
import { audit, type Outcome, readLogs, type Sent } from './audit.js'
import { Blows } from './faults.js'
import { Producer } from './producer.js'
import { Runner } from './runners.js'
import { World } from './world.js'

// Live Kafka, Kinesis and DynamoDB; `millrace dev` processes that are killed, frozen and restarted; every record
// accounted for at the end.
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    runners: { type: 'string', default: '3' },
    rate: { type: 'string', default: '600' },
  },
})
const [minutes, seed, count, rate] = [values.minutes, values.seed, values.runners, values.rate].map(Number) as [
  number,
  number,
  number,
  number,
]
if (![minutes, seed, count, rate].every((value) => value > 0)) {
  console.error('error: --minutes, --seed, --runners and --rate are numbers above 0.')
  process.exit(2)
}

process.env.AWS_ACCESS_KEY_ID = 'local'
process.env.AWS_SECRET_ACCESS_KEY = 'local'
process.env.AWS_REGION = 'eu-west-1'
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

const DRAIN_MS_MAX = 180_000
const SETTLE_MS = 4_000

const started = performance.now()
const say = (text: string): void =>
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${text}`)

const missing = await missingJava()
if (missing !== undefined) {
  console.log(`NOT RUN: the kill test needs DynamoDB Local and Apache Kafka. ${missing}`)
  process.exit(process.env.CI === 'true' ? 1 : 0)
}
process.exitCode = await main()

async function main(): Promise<number> {
  const random = new Random(seed)
  say(
    `starting DynamoDB Local, Kafka and Kinesis; seed ${seed}, ${minutes} min, ${rate} records a second, ${count} runners`,
  )
  const world = await World.open(seed)
  const producer = new Producer(world, rate, new Random(seed + 1))
  // The stream and the topic are there with the first records.
  while (producer.made < 100) await sleep(100)
  const runners = Array.from({ length: count }, (_, i) => new Runner(`runner ${i + 1}`, world))
  const blows = new Blows(world, runners, random, say)
  try {
    await blows.during(minutes * 60_000)
    await producer.stop()
    say(`${numberText(producer.made)} records made; no more faults, waiting for the last windows`)
    world.proxy.set({})
    const sent = await readLogs(world)
    const outcome = await drained(world, sent)
    const codes = await Promise.all(runners.map((runner) => runner.stop()))
    return report({ sent, outcome, producer, blows, runners, codes, world })
  } finally {
    await Promise.all(runners.map((runner) => runner.stop()))
    await world.close()
  }
}

/** Looks until nothing is missing, and then once more: nothing may come twice. */
async function drained(world: World, sent: Sent): Promise<Outcome> {
  const until = performance.now() + DRAIN_MS_MAX
  for (;;) {
    const outcome = await audit(world, sent)
    if (outcome.lost.length === 0 || performance.now() > until) {
      await sleep(SETTLE_MS)
      return await audit(world, sent)
    }
    say(`${numberText(outcome.lost.length)} records are not in a result yet`)
    await sleep(2_000)
  }
}

interface Report {
  readonly sent: Sent
  readonly outcome: Outcome
  readonly producer: Producer
  readonly blows: Blows
  readonly runners: readonly Runner[]
  readonly codes: readonly (number | null)[]
  readonly world: World
}

function report({ sent, outcome, producer, blows, runners, codes, world }: Report): number {
  const crashes = runners.flatMap((runner) => runner.crashes)
  const rows: [string, number][] = [
    ['sent (in the logs)', sent.total],
    ['of them sent again by a producer without an answer', sent.total - sent.ids.size],
    ['counted', outcome.counted],
    ['windows with late panes', outcome.latePanes],
    ['expired', outcome.expired],
    ['dead letters (no JSON)', outcome.dead],
    ['lost', outcome.lost.length],
    ['doubled', outcome.doubled.length],
    ['in a wrong window', outcome.misplaced.length],
    ['SIGKILL of a runner', blows.counts.kill],
    ['SIGSTOP of a runner, SIGCONT later', blows.counts.freeze],
    ['SIGTERM of a runner', blows.counts.restart],
    ['SIGKILL of the broker', blows.counts.broker],
    ['shards split', blows.counts.split],
    ['times that DynamoDB throttled for seconds', blows.counts.throttle],
    ...Object.entries(world.proxy.counts).map(([fault, times]): [string, number] => [
      `requests met by: ${fault}`,
      times,
    ]),
    ['starts that found no broker, and said so', runners.reduce((sum, runner) => sum + runner.refusals, 0)],
    ['runners that ended by themselves', crashes.length],
  ]
  console.log(
    `\n${table(
      ['', 'count'],
      rows.map(([label, value]) => [label, numberText(value)]),
    )}`,
  )
  const faults = [
    ...(outcome.lost.length > 0 ? [`lost: ${outcome.lost.slice(0, 10).join(', ')}`] : []),
    ...(outcome.doubled.length > 0 ? [`doubled: ${outcome.doubled.slice(0, 10).join(', ')}`] : []),
    ...(outcome.misplaced.length > 0 ? [`misplaced: ${outcome.misplaced.slice(0, 10).join(', ')}`] : []),
    ...(outcome.dead !== sent.poison
      ? [`${outcome.dead} dead letters of ${sent.poison} records that are no JSON`]
      : []),
    ...(outcome.counted + outcome.expired + outcome.dead !== sent.total
      ? ['sent is not counted + expired + dead']
      : []),
    ...crashes,
    ...codes.filter((code) => code !== 0).map((code) => `a runner that was stopped in order ended with ${code}`),
    ...(producer.made === 0 ? ['nothing was sent'] : []),
  ]
  for (const fault of faults) console.error(`FAILED: ${fault}`)
  if (faults.length > 0) {
    const kept = resolve('.millrace/kill.log')
    const logFile = join(world.folder, 'runners.log')
    mkdirSync(dirname(kept), { recursive: true })
    copyFileSync(logFile, kept)
    console.error(`The runners' log is ${kept}. Its end:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`)
    return 1
  }
  console.log(`\nnothing lost, nothing doubled, in ${((performance.now() - started) / 60_000).toFixed(1)} min`)
  return 0
}
