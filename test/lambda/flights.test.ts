import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import flights from '../../examples/flights/pipeline.js'
import type { RunSummary } from '../../lib/dev/index.js'
import type { Environment } from '../../lib/dev/lambda/environment.js'
import type { LambdaFunction } from '../../lib/dev/lambda/function.js'
import { dynamodbStore } from '../../lib/state/dynamodb/index.js'
import { createTable } from '../../lib/state/dynamodb/table.js'
import { lmdbStore } from '../../lib/state/lmdb/index.js'
import { Random } from '../../lib/testing/random.js'
import type { BuiltFunction } from '../../scripts/bundle.js'
import { draws } from '../draws.js'
import { expectAnswer } from '../oracle/compare.js'
import { firstFlights } from '../oracle/data.js'
import { drawn } from '../oracle/drawn.js'
import { type Answer, askOracle } from '../oracle/oracle.js'
import { answerOf, digestsOf, Logs } from '../oracle/runs.js'
import { exampleVariant } from '../oracle/variants.js'
import { describeLive } from '../services/local.js'
import {
  buildFlights,
  Deployment,
  type DeploymentOptions,
  type DeploymentSummary,
  type SharedStore,
} from './deployment.js'

const variant = drawn(exampleVariant, 5_000)
const KILLS = draws(3, 20)
const BATCH = draws(100, 250)
const ZOMBIES = draws(4, 20)
/** Invocations from one fault to the next, on average. */
const APART = 6
/** How long after an invocation began: while its process starts, while it works, or when it is frozen again. */
const FAULT_MS_MAX = 40
/**
 * While its successor is at the same batch. Not longer: one that is frozen in a write transaction of lmdb keeps all
 * others from writing.
 */
const THAW_MS_MAX = 60

let logs: Logs
let functions: readonly BuiltFunction[]
let oracle: Answer
let expected: Record<string, string>

beforeAll(async () => {
  const sources = firstFlights(variant.rows)
  logs = new Logs(sources)
  functions = await buildFlights(join(logs.directory, 'functions'))
  oracle = await askOracle(variant, sources)
  const whole = await logs.run(flights, { splits: variant.splits })
  expectAnswer(answerOf(whole), oracle)
  expected = digestsOf(whole)
})
afterAll(() => logs.remove())

/** A store of its own for each deployment, which processes share. */
type StoreOf = (name: string) => Promise<SharedStore>

describe('the flights in processes as Lambda runs them, on lmdb', () => {
  flightsOn('lmdb', async (name) => {
    const directory = join(logs.directory, name, 'state')
    return { env: { MILLRACE_STATE: `lmdb:${directory}` }, open: () => lmdbStore(directory) }
  })
})

describeLive('the flights in processes as Lambda runs them, on DynamoDB', ['dynamodb'], (services) => {
  flightsOn('dynamodb', async (name) => {
    const endpoint = services.endpoint('dynamodb')
    await createTable(name, { endpoint })
    const env = {
      MILLRACE_STATE: `dynamodb:${name}`,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    }
    return { env, open: () => dynamodbStore(name, { endpoint }) }
  })
})

function flightsOn(kind: string, storeOf: StoreOf): void {
  async function deploy(name: string, options: { batch: number } & Partial<DeploymentOptions>): Promise<Deployment> {
    const folder = `${kind}-${name}`
    const out = join(logs.directory, folder, 'out')
    const store = await storeOf(folder)
    return new Deployment({ functions, store, out, inputs: logs.inputs, splits: variant.splits, ...options })
  }

  /** All there is to compare: the files byte by byte, and rows and counters with what SQL says of the logs. */
  function expectWhole(given: DeploymentSummary): void {
    const summary = given as RunSummary
    expect(digestsOf(summary)).toEqual(expected)
    expectAnswer(answerOf(summary), oracle)
  }

  it('invariants 1, 8: the same bytes as in one process', async () => {
    const deployment = await deploy('plain', { batch: 1000 })
    const summary = await deployment.run()
    expectWhole(summary)
    expect(summary.delivered).toBe(variant.rows)
    for (const { counters } of Object.values(deployment.functions))
      expect(counters).toMatchObject({ errors: 0, timeouts: 0, throttles: 0, initFailures: 0 })
    // Four shards are read at a time, and the topic beside them: whatever comes later finds a warm environment.
    expect(deployment.functions.ingest!.counters.coldStarts).toBeLessThanOrEqual(5)
    expect(deployment.environments).toEqual([])
  })

  it(`invariants 2, 3, 7, 8: killed at ${KILLS} random moments, with ${ZOMBIES} zombies that go on later: the same bytes`, async () => {
    const faults = new EnvironmentFaults(2001)
    const deployment = await deploy('faults', { batch: BATCH, chaos: 7, onInvoke: (...at) => faults.onInvoke(...at) })
    const summary = await deployment.run()
    expectWhole(summary)
    expect(faults.left).toEqual([])
    // Zombies and some of those that were killed were at work, and some zombies came to their end by themselves.
    const counts = Object.values(deployment.functions).map(({ counters }) => counters)
    expect(counts.reduce((sum, { zombies }) => sum + zombies, 0)).toBe(ZOMBIES)
    expect(counts.reduce((sum, { errors }) => sum + errors, 0)).toBeGreaterThan(0)
    expect(faults.thawed).toBeGreaterThan(ZOMBIES / 2)
    expect(deployment.environments).toEqual([])
  })
}

/** Kills environments and makes zombies of them, from a seed, while invocations go on. */
class EnvironmentFaults {
  readonly left: ('kill' | 'zombie')[]
  thawed = 0
  private readonly random: Random
  private next: number

  constructor(seed: number) {
    this.random = new Random(seed)
    const faults: ('kill' | 'zombie')[] = [...Array(KILLS).fill('kill'), ...Array(ZOMBIES).fill('zombie')]
    this.left = this.random.shuffled(faults)
    this.next = this.random.below(APART)
  }

  onInvoke({ functions }: Deployment, invocation: number): void {
    if (invocation < this.next || this.left.length === 0) return
    this.next = invocation + 1 + this.random.below(2 * APART)
    setTimeout(() => this.strike(Object.values(functions)), this.random.below(FAULT_MS_MAX))
  }

  private strike(functions: readonly LambdaFunction[]): void {
    const [fault] = this.left
    // Those before it were the last ones.
    if (fault === undefined) return
    const candidates = functions
      .flatMap((f) => f.environments.map((environment) => ({ f, environment })))
      .filter(({ environment: { state } }) => (fault === 'kill' ? state !== 'zombie' : state === 'busy'))
    // Nobody is at work right now: it strikes at the next invocation.
    if (candidates.length === 0) {
      this.next = 0
      return
    }
    this.left.shift()
    const { f, environment } = this.random.take(candidates)
    if (fault === 'kill') f.kill(environment)
    else this.bury(f, environment)
  }

  private bury(f: LambdaFunction, environment: Environment): void {
    f.abandon(environment)
    setTimeout(() => {
      if (environment.state !== 'zombie') return
      environment.thaw()
      this.thawed++
    }, this.random.below(THAW_MS_MAX))
  }
}
