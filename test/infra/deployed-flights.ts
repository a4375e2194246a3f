import { join } from 'node:path'
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Stream } from 'aws-cdk-lib/aws-kinesis'
import { expect } from 'vitest'
import flights from '../../examples/flights/pipeline.js'
import { KinesisSource, SelfManagedKafkaSource, StreamPipeline } from '../../infra/constructs/index.js'
import { statusOf } from '../../lib/dev/index.js'
import { send } from '../../lib/dev/live/send.js'
import { tick } from '../../lib/handlers/index.js'
import type { Rejected, WindowResult } from '../../lib/index.js'
import { InvocationMetrics, silentLogger } from '../../lib/observe/index.js'
import type { SourceInspector, StateStore } from '../../lib/ports/index.js'
import { dynamodbTable } from '../../lib/sinks/dynamodb/index.js'
import { boundKafkaInspector } from '../../lib/sources/kafka/binding.js'
import { kinesisInspector } from '../../lib/sources/kinesis/inspector.js'
import { dynamodbStore } from '../../lib/state/dynamodb/index.js'
import { createTable } from '../../lib/state/dynamodb/table.js'
import { firstFlights } from '../oracle/data.js'
import { Logs, rowsOf } from '../oracle/runs.js'
import type { Services } from '../services/local.js'
import { network as networkOf } from './stacks.js'
import { Template, TemplateDeployment } from './template-deployment.js'

const SPLITS = 2
const STREAM = 'departures-a-l'
const TOPIC = 'departures-m-z'

export interface FlightsOptions {
  readonly rows: number
  /** Apart from other suites' on the same services. */
  readonly suffix: string
  readonly batchSize?: number
}

/**
 * The example's stack at work on the services of this machine: what CloudFormation would make is made, and what the
 * mappings would poll is sent.
 */
export class DeployedFlights {
  readonly rows: number
  readonly deployment: TemplateDeployment
  private readonly services: Services
  private readonly options: FlightsOptions
  private readonly logs: Logs
  private readonly store: StateStore
  private readonly template: Template
  private readonly stop = new AbortController()
  private running: Promise<void> | undefined

  private constructor(
    services: Services,
    options: FlightsOptions,
    made: { readonly logs: Logs; readonly store: StateStore; readonly template: Template },
  ) {
    this.rows = options.rows
    this.services = services
    this.options = options
    this.logs = made.logs
    this.store = made.store
    this.template = made.template
    this.deployment = new TemplateDeployment({
      template: made.template,
      pipeline: flights,
      store: made.store,
      env: {
        AWS_ENDPOINT_URL_DYNAMODB: services.endpoint('dynamodb'),
        AWS_ENDPOINT_URL_KINESIS: services.endpoint('kinesis'),
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
      },
      kinesisEndpoint: services.endpoint('kinesis'),
      minuteMs: 1_000,
    })
  }

  static async make(services: Services, options: FlightsOptions): Promise<DeployedFlights> {
    const { rows, suffix } = options
    const endpoint = services.endpoint('dynamodb')
    const template = synthesize(services, options, 'functions')
    for (const [name] of template.ofType('AWS::DynamoDB::GlobalTable'))
      await createTable(physicalName(name, suffix), { endpoint })
    const logs = new Logs(firstFlights(rows))
    await send(flights, {
      inputs: logs.inputs,
      create: SPLITS,
      names: { [STREAM]: `${STREAM}${suffix}`, [TOPIC]: `${TOPIC}${suffix}` },
      kafka: { brokers: [services.endpoint('kafka')] },
      kinesis: { endpoint: services.endpoint('kinesis') },
    })
    const store = await dynamodbStore(tableIn(template, 'PipelineState', suffix), { endpoint })
    return new DeployedFlights(services, options, { logs, store, template })
  }

  start(): void {
    this.running = this.deployment.run(this.stop.signal)
    // Said by whoever waits for it.
    this.running.catch(() => undefined)
  }

  /** The stack once more, of other functions of the same graph. */
  templateOf(functions: string): Template {
    return synthesize(this.services, this.options, functions)
  }

  async counted(): Promise<number> {
    return (await statusOf(flights, this.store)).stages[0]?.splits.reduce((sum, split) => sum + split.in, 0) ?? 0
  }

  async halt(): Promise<void> {
    this.stop.abort()
    await this.running
    await this.deployment.close()
  }

  /** Holds what the tables hold in the end against a run on files. */
  async expectRowsOfARun(): Promise<void> {
    const expected = await this.logs.run(flights, { splits: SPLITS })
    const endpoint = this.services.endpoint('dynamodb')
    const tableOf = (sink: string): string => tableIn(this.template, `PipelineSink${sink}`, this.options.suffix)
    await this.finish(tableOf)
    const client = new DynamoDBClient({ endpoint })
    expect(await resultsIn(client, tableOf('hourly'))).toEqual(lastOf(rowsOf(expected, 'hourly')))
    expect(await lateIn(client, tableOf('late'))).toEqual(rowsOf<Rejected>(expected, 'late').map(lateText).sort())
    client.destroy()
  }

  async close(): Promise<void> {
    this.stop.abort()
    await this.running?.catch(() => undefined)
    await this.deployment.close()
    await this.store.close()
    this.logs.remove()
  }

  /** Live logs have no end, so the last hours stay open: here somebody says that this was all. */
  private async finish(tableOf: (sink: string) => string): Promise<void> {
    const { store: state, services } = this
    const { suffix } = this.options
    const ended = (inspector: SourceInspector): SourceInspector => ({
      ...inspector,
      bounded: true,
      list: async () => (await inspector.list()).map((listing) => ({ ...listing, closed: true })),
      peek: (split, after) => inspector.peek(split, after),
    })
    const stream = kinesisInspector({ stream: `${STREAM}${suffix}`, endpoint: services.endpoint('kinesis') })
    const topic = boundKafkaInspector({ topic: `${TOPIC}${suffix}`, brokers: [services.endpoint('kafka')] })
    const last = tick(flights, {
      state,
      sink: ({ name }) =>
        dynamodbTable(name, { endpoint: services.endpoint('dynamodb') }).open({
          pipeline: flights.name,
          run: 1,
          resource: tableOf(name),
        }),
      inspectors: { [STREAM]: ended(stream), [TOPIC]: ended(topic) },
      logger: silentLogger,
      metrics: new InvocationMetrics(),
    })
    for (let ticks = 0; ticks < 20 && !(await statusOf(flights, state)).complete; ticks++) await last({})
    expect((await statusOf(flights, state)).complete).toBe(true)
    await stream.close?.()
    await topic.close?.()
  }
}

/** What CloudFormation would make: everything by its logical id, but the stream, which is there. */
function synthesize(services: Services, { suffix, batchSize }: FlightsOptions, functions: string): Template {
  // One folder for all: the CDK bundles the same functions once.
  const outdir = join(services.folder, 'cdk.out')
  const app = new App({ outdir })
  const name = `flights${suffix}-${functions.replaceAll('/', '-')}`
  const stack = new Stack(app, name)
  const size = batchSize === undefined ? {} : { batchSize }
  const brokers = [services.endpoint('kafka')]
  new StreamPipeline(stack, 'Pipeline', {
    pipeline: flights,
    functions,
    sources: {
      [STREAM]: new KinesisSource(new Stream(stack, 'Departures'), size),
      // A cluster of this machine, which asks nobody who he is.
      [TOPIC]: new SelfManagedKafkaSource({
        bootstrapServers: brokers,
        topic: `${TOPIC}${suffix}`,
        network: networkOf(stack),
        ...size,
      }),
    },
    sinks: { hourly: 'table', late: 'table', rejected: 'table' },
    removalPolicy: RemovalPolicy.DESTROY,
  })
  app.synth()
  return new Template(outdir, name, (resources) => {
    const made: Record<string, Record<string, string>> = {}
    for (const [id, { Type }] of Object.entries(resources)) {
      const stream = `${STREAM}${suffix}`
      made[id] =
        Type === 'AWS::Kinesis::Stream'
          ? { Ref: stream, Arn: `arn:aws:kinesis:us-east-1:000000000000:stream/${stream}` }
          : { Ref: Type === 'AWS::DynamoDB::GlobalTable' ? physicalName(id, suffix) : id }
    }
    return made
  })
}

const physicalName = (id: string, suffix: string): string => `${id}${suffix}`

const tableIn = (template: Template, part: string, suffix: string): string =>
  physicalName(template.ofType('AWS::DynamoDB::GlobalTable').find(([id]) => id.startsWith(part))![0], suffix)

type Hourly = WindowResult<string, Record<string, number>>

/** The newest pane of each window of each key. */
function lastOf(rows: readonly Hourly[]): Record<string, unknown> {
  const newest = new Map<string, Hourly>()
  for (const row of rows) {
    const name = `${row.key} ${row.window.start}`
    if ((newest.get(name)?.pane.index ?? -1) < row.pane.index) newest.set(name, row)
  }
  return Object.fromEntries(
    [...newest]
      .sort(byName)
      .map(([name, { value, pane }]) => [name, { ...value, pane: pane.index, timing: pane.timing }]),
  )
}

async function resultsIn(client: DynamoDBClient, table: string): Promise<Record<string, unknown>> {
  const items = await itemsOf(client, table)
  const fields = ['flights', 'meanDelay', 'worstDelay', 'shareDelayed', 'pane'] as const
  return Object.fromEntries(
    items
      .map((item): [string, unknown] => [
        `${item.pk!.S} ${Date.parse(item.windowStart!.S!)}`,
        { ...Object.fromEntries(fields.map((field) => [field, Number(item[field]!.N)])), timing: item.timing!.S },
      ])
      .sort(byName),
  )
}

const lateText = ({ source, key, windows, timestamp, payload }: Rejected): string =>
  JSON.stringify([source, key, windows!.first.start, timestamp, (payload as { delay: number }).delay])

async function lateIn(client: DynamoDBClient, table: string): Promise<string[]> {
  return (await itemsOf(client, table))
    .map(({ source, key, windows, timestamp, payload }) =>
      JSON.stringify([
        source!.S,
        key!.S,
        Number(windows!.M!.first!.M!.start!.N),
        Number(timestamp!.N),
        Number(payload!.M!.delay!.N),
      ]),
    )
    .sort()
}

async function itemsOf(client: DynamoDBClient, table: string) {
  const items = []
  for await (const page of paginateScan({ client }, { TableName: table })) items.push(...(page.Items ?? []))
  return items
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)
