import { mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import pipeline from '../../examples/flights/pipeline.js'
import { Faults } from '../../lib/dev/chaos.js'
import { type RunSummary, statusOf } from '../../lib/dev/index.js'
import { StreamInput } from '../../lib/dev/input/stream-input.js'
import type { Environment } from '../../lib/dev/lambda/environment.js'
import { LambdaFunction } from '../../lib/dev/lambda/function.js'
import { pollStream, pollTopic } from '../../lib/dev/poller/poller.js'
import { Workspace } from '../../lib/dev/workspace.js'
import { tick } from '../../lib/handlers/index.js'
import { InvocationMetrics, silentLogger, systemClock } from '../../lib/observe/index.js'
import { plan } from '../../lib/pipeline/index.js'
import type { StateStore } from '../../lib/ports/index.js'
import { groupKey, runPrefix } from '../../lib/runtime/keys.js'
import { fileSink } from '../../lib/sinks/file/adapter.js'
import { collectInto } from '../../lib/sinks/file/parts.js'
import type { BuiltFunction } from '../../scripts/bundle.js'
import { bundledFunctions } from '../services/bundled.js'

/** A store that processes share: what functions find it by, and how this process opens it. */
export interface SharedStore {
  readonly env: Readonly<Record<string, string>>
  open(): Promise<StateStore>
}

/**
 * The example's functions as a deployment would have them, in a folder from which the native package is found, as it
 * would be in a layer.
 */
export async function buildFlights(directory: string): Promise<readonly BuiltFunction[]> {
  mkdirSync(directory, { recursive: true })
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'))
  return await bundledFunctions(directory)
}

export interface DeploymentOptions {
  readonly functions: readonly BuiltFunction[]
  readonly store: SharedStore
  /** Files of each source. */
  readonly inputs: Readonly<Record<string, readonly string[]>>
  readonly splits: number
  readonly batch: number
  readonly out: string
  /** Seed of what pollers do besides delivering each record once: repeats, overlaps, other cuts. */
  readonly chaos?: number
  /** Called as each invocation begins. */
  readonly onInvoke?: (deployment: Deployment, invocation: number) => void
}

/** What a local run gives, as far as it can be told from outside. */
export type DeploymentSummary = Pick<RunSummary, 'status' | 'sinks' | 'delivered'>

const TIMEOUT_MS = 10_000
const TICK_MS = 300
const LAST_TICKS_MAX = 100

/**
 * The flights, end to end, in processes that share nothing but the store and the folder of results. Live sources can be
 * asked for their splits; these cannot be asked from another process, so a tick of this one does that at the start and
 * at the end, and nothing else.
 */
export class Deployment {
  readonly functions: Readonly<Record<string, LambdaFunction>>
  private readonly options: DeploymentOptions
  private readonly workspace: Workspace
  private readonly inputs: readonly StreamInput[]
  private invocations = 0

  constructor(options: DeploymentOptions) {
    this.options = options
    this.workspace = new Workspace(options.out)
    mkdirSync(join(options.out, '.parts'), { recursive: true })
    this.inputs = plan(pipeline).sources.map(
      (source) => new StreamInput(source, options.inputs[source.name]!, options.splits, () => 0),
    )
    const made = options.functions.map(({ name, directory }) => [
      name,
      new LambdaFunction({
        name: `flights-${name}`,
        taskRoot: directory,
        // Results are files below the folder that a function runs in.
        directory: join(options.out, '.parts'),
        env: options.store.env,
        memoryMb: 512,
        timeoutMs: TIMEOUT_MS,
        concurrency: 20,
      }),
    ])
    this.functions = Object.fromEntries(made)
  }

  get environments(): readonly Environment[] {
    return Object.values(this.functions).flatMap((f) => f.environments)
  }

  async invoke(name: string, event: unknown): Promise<unknown> {
    const answer = this.functions[name]!.invoke(event)
    this.options.onInvoke?.(this, this.invocations++)
    return await answer
  }

  /** Delivers all input and closes all windows. What it gives is what a local run gives. */
  async run(): Promise<DeploymentSummary> {
    const store = await this.options.store.open()
    try {
      const control = tick(pipeline, {
        state: store,
        sink: (node) => fileSink(this.workspace.parts(node.name)),
        inspectors: Object.fromEntries(this.inputs.map((input) => [input.source.name, input])),
        logger: silentLogger,
        metrics: new InvocationMetrics(),
      })
      await control({})
      const delivered = await this.deliver(store)
      await this.close()
      for (let ticks = 0; !(await statusOf(pipeline, store)).complete; ticks++) {
        if (ticks === LAST_TICKS_MAX) throw new Error(`not complete after ${ticks} ticks`)
        await this.releaseClaims(store)
        await control({})
      }
      return { status: await statusOf(pipeline, store), sinks: await this.collect(), delivered }
    } finally {
      await this.close()
      await store.close()
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.functions).map((f) => f.close()))
  }

  private async deliver(store: StateStore): Promise<number> {
    let delivered = 0
    let over = false
    const schedule = (async () => {
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve, TICK_MS))
        // Whoever was killed had claimed a key group until its timeout: a minute here, which is longer than the test.
        await this.releaseClaims(store)
        await this.invoke('tick', {}).catch(() => undefined)
        await this.invoke('advance', { operator: 'hourly', keyGroup: 0 }).catch(() => undefined)
      }
    })()
    try {
      const polling = this.inputs.flatMap((input) => {
        const poller = {
          input,
          containers: this,
          clock: systemClock,
          logger: silentLogger,
          batch: this.options.batch,
          faults: new Faults(this.options.chaos),
          onDelivered: (records: number) => {
            delivered += records
          },
        }
        const isTopic = input.source.connector === 'kafka'
        return [input.read(), ...(isTopic ? [pollTopic(poller)] : input.logs.map((log) => pollStream(poller, log)))]
      })
      await Promise.all(polling)
    } finally {
      for (const input of this.inputs) input.stop()
      over = true
      await schedule
    }
    return delivered
  }

  /** A claim only spares double work: it may be gone at any time. */
  private async releaseClaims(store: StateStore): Promise<void> {
    for (const operator of plan(pipeline).operators) {
      for (let keyGroup = 0; keyGroup < operator.keyGroups; keyGroup++) {
        const key = groupKey(runPrefix(pipeline.name, 1), operator.name, keyGroup)
        await store.update({ key, set: { until: 0 }, when: [] })
      }
    }
  }

  private async collect(): Promise<RunSummary['sinks']> {
    return await Promise.all(
      plan(pipeline).sinks.map(async ({ name }) => {
        const file = this.workspace.file(name)
        return { name, file, rows: await collectInto(this.workspace.parts(name), file) }
      }),
    )
  }
}
