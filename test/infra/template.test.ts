import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Stream } from 'aws-cdk-lib/aws-kinesis'
import { expect, it } from 'vitest'
import flights from '../../examples/flights/pipeline.js'
import { KinesisSource, SelfManagedKafkaSource, StreamPipeline } from '../../infra/constructs/index.js'
import { statusOf } from '../../lib/dev/index.js'
import { send } from '../../lib/dev/live/send.js'
import { tick } from '../../lib/handlers/index.js'
import type { Rejected, WindowResult } from '../../lib/index.js'
import { InvocationMetrics, silentLogger } from '../../lib/observe/index.js'
import type { SourceInspector } from '../../lib/ports/index.js'
import { dynamodbTable } from '../../lib/sinks/dynamodb/index.js'
import { boundKafkaInspector } from '../../lib/sources/kafka/binding.js'
import { kinesisInspector } from '../../lib/sources/kinesis/inspector.js'
import { dynamodbStore } from '../../lib/state/dynamodb/index.js'
import { createTable } from '../../lib/state/dynamodb/table.js'
import { firstFlights } from '../oracle/data.js'
import { Logs, rowsOf } from '../oracle/runs.js'
import { describeLive } from '../services/local.js'
import { network as networkOf } from './stacks.js'
import { Template, TemplateDeployment } from './template-deployment.js'

const ROWS = 12_000
const SPLITS = 2
const STREAM = 'departures-a-l'
const TOPIC = 'departures-m-z'
const ARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${STREAM}`

describeLive('the flights through the template', ['dynamodb', 'kinesis', 'kafka'], (services) => {
  it('the bundled handlers, fed as its mappings say, give the rows of a run on files', {
    timeout: 240_000,
  }, async () => {
    const logs = new Logs(firstFlights(ROWS))
    const expected = await logs.run(flights, { splits: SPLITS })
    const endpoint = services.endpoint('dynamodb')
    const kinesisEndpoint = services.endpoint('kinesis')
    const brokers = [services.endpoint('kafka')]
    const outdir = join(services.folder, 'cdk.out')
    synthesize(outdir, brokers)
    const template = new Template(outdir, 'flights', physical)
    for (const [name] of template.ofType('AWS::DynamoDB::GlobalTable')) await createTable(name, { endpoint })
    const tableOf = (part: string): string =>
      template
        .ofType('AWS::DynamoDB::GlobalTable')
        .map(([id]) => id)
        .find((id) => id.startsWith(part))!
    await send(flights, {
      inputs: logs.inputs,
      create: SPLITS,
      kafka: { brokers },
      kinesis: { endpoint: kinesisEndpoint },
    })
    const store = await dynamodbStore(tableOf('PipelineState'), { endpoint })
    const env = {
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_ENDPOINT_URL_KINESIS: kinesisEndpoint,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    }
    const deployment = new TemplateDeployment({
      template,
      pipeline: flights,
      store,
      env,
      kinesisEndpoint,
      minuteMs: 1_000,
    })
    const stop = new AbortController()
    const running = deployment.run(stop.signal)
    try {
      const counted = async (): Promise<number> =>
        (await statusOf(flights, store)).stages[0]?.splits.reduce((sum, split) => sum + split.in, 0) ?? 0
      await expect.poll(counted, { timeout: 150_000, interval: 1_000 }).toBe(ROWS)
      stop.abort()
      await running
      await deployment.close()
      for (const [, { counters }] of deployment.functions)
        expect(counters).toMatchObject({ errors: 0, timeouts: 0, initFailures: 0 })
      await close(store, kinesisEndpoint, brokers, (name) => tableOf(`PipelineSink${name}`), endpoint)
      const client = new DynamoDBClient({ endpoint })
      expect(await resultsIn(client, tableOf('PipelineSinkhourly'))).toEqual(lastOf(rowsOf(expected, 'hourly')))
      expect(await lateIn(client, tableOf('PipelineSinklate'))).toEqual(
        rowsOf<Rejected>(expected, 'late').map(lateText).sort(),
      )
      client.destroy()
    } finally {
      stop.abort()
      await running.catch(() => undefined)
      await deployment.close()
      await store.close()
      logs.remove()
      rmSync(outdir, { recursive: true, force: true })
    }
  })
})

/** What CloudFormation would make: everything by its logical id, but the stream, which is there. */
function physical(resources: Readonly<Record<string, { readonly Type: string }>>) {
  const made: Record<string, Record<string, string>> = {}
  for (const [id, { Type }] of Object.entries(resources))
    made[id] = Type === 'AWS::Kinesis::Stream' ? { Ref: STREAM, Arn: ARN } : { Ref: id }
  return made
}

/** The example's stack, on a cluster of this machine that asks nobody who he is. */
function synthesize(outdir: string, brokers: readonly string[]): void {
  const app = new App({ outdir })
  const stack = new Stack(app, 'flights')
  const network = networkOf(stack)
  new StreamPipeline(stack, 'Pipeline', {
    pipeline: flights,
    sources: {
      [STREAM]: new KinesisSource(new Stream(stack, 'Departures')),
      [TOPIC]: new SelfManagedKafkaSource({ bootstrapServers: brokers, network }),
    },
    sinks: { hourly: 'table', late: 'table', rejected: 'table' },
    removalPolicy: RemovalPolicy.DESTROY,
  })
  app.synth()
}

/** Live logs have no end, so the last hours stay open: here somebody says that this was all. */
async function close(
  state: Awaited<ReturnType<typeof dynamodbStore>>,
  kinesisEndpoint: string,
  brokers: readonly string[],
  tableOf: (sink: string) => string,
  endpoint: string,
): Promise<void> {
  const ended = (inspector: SourceInspector): SourceInspector => ({
    ...inspector,
    bounded: true,
    list: async () => (await inspector.list()).map((listing) => ({ ...listing, closed: true })),
    peek: (split, after) => inspector.peek(split, after),
  })
  const stream = kinesisInspector({ stream: STREAM, endpoint: kinesisEndpoint })
  const topic = boundKafkaInspector({ topic: TOPIC, brokers })
  const last = tick(flights, {
    state,
    sink: ({ name }) =>
      dynamodbTable(name, { endpoint }).open({ pipeline: flights.name, run: 1, resource: tableOf(name) }),
    inspectors: { [STREAM]: ended(stream), [TOPIC]: ended(topic) },
    logger: silentLogger,
    metrics: new InvocationMetrics(),
  })
  for (let ticks = 0; ticks < 20 && !(await statusOf(flights, state)).complete; ticks++) await last({})
  expect((await statusOf(flights, state)).complete).toBe(true)
  await stream.close?.()
  await topic.close?.()
}

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

const lateText = ({ source, key, window, timestamp, payload }: Rejected): string =>
  JSON.stringify([source, key, window!.start, timestamp, (payload as { delay: number }).delay])

async function lateIn(client: DynamoDBClient, table: string): Promise<string[]> {
  return (await itemsOf(client, table))
    .map(({ source, key, window, timestamp, payload }) =>
      JSON.stringify([
        source!.S,
        key!.S,
        Number(window!.M!.start!.N),
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
