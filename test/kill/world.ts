import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../lib/dev/services/daemon.js'
import { startDynamodb } from '../../lib/dev/services/dynamodb.js'
import { startKafka } from '../../lib/dev/services/kafka.js'
import { startKinesis } from '../../lib/dev/services/kinesis.js'
import type { LocalService } from '../../lib/dev/services/service.js'
import { createTable } from '../../lib/state/dynamodb/table.js'
import { FaultyDynamoDB } from '../services/faulty-dynamodb.js'

export const TABLES = ['kill', 'kill-results', 'kill-late', 'kill-dead'] as const

/** Faults that there are always a few of, so that every call of a run may meet one. */
export const CALM = {
  throttle: 0.01,
  errorAfter: 0.003,
  resetAfter: 0.003,
  resetBefore: 0.003,
  lateAnswer: 0.001,
  partial: 0.01,
}
/** The table gives a tenth of what is asked. */
export const THROTTLED = { throttle: 0.85, partial: 0.1 }

/** How long a runner's start takes, at most. */
const START_MS = 6_000

/** Real services on this machine; DynamoDB behind a proxy of ours that throttles and loses answers. */
export class World {
  readonly folder: string
  readonly dynamodb: LocalService
  readonly kinesis: LocalService
  readonly proxy: FaultyDynamoDB
  /** DynamoDB as runners reach it. */
  readonly proxied: string
  kafka: LocalService
  private brokerBackAt = 0

  private constructor(
    parts: { dynamodb: LocalService; kinesis: LocalService; kafka: LocalService; proxied: string },
    proxy: FaultyDynamoDB,
    folder: string,
  ) {
    this.folder = folder
    this.dynamodb = parts.dynamodb
    this.kinesis = parts.kinesis
    this.kafka = parts.kafka
    this.proxied = parts.proxied
    this.proxy = proxy
  }

  static async open(seed: number): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
    const place = async () => ({ folder, port: await freePort(), detached: false })
    const dynamodb = await startDynamodb({ ...(await place()), memory: true })
    const kinesis = await startKinesis({ ...(await place()), memory: true })
    const kafka = await startKafka(await place())
    for (const table of TABLES) await createTable(table, { endpoint: dynamodb.endpoint })
    const proxy = new FaultyDynamoDB(dynamodb.endpoint, { seed, rates: CALM, lateMs: 4_000, lateUpdates: true })
    const proxied = await proxy.listen()
    return new World({ dynamodb, kinesis, kafka, proxied }, proxy, folder)
  }

  /** What a runner's environment says of where everything is. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL_DYNAMODB: this.proxied,
      AWS_ENDPOINT_URL_KINESIS: this.kinesis.endpoint,
      MILLRACE_KAFKA_BROKERS: this.kafka.endpoint,
    }
  }

  /** The broker dies, and comes back with its data on the same port. */
  async restartBroker(): Promise<void> {
    this.brokerBackAt = Number.POSITIVE_INFINITY
    await this.kafka.stop('SIGKILL')
    this.kafka = await startKafka({ folder: this.folder, port: this.kafka.port, detached: false })
    this.brokerBackAt = performance.now()
  }

  /** Whoever starts now, or started a moment ago, may have found no broker, and has said so. */
  get lacksBroker(): boolean {
    return performance.now() < this.brokerBackAt + START_MS
  }

  async close(): Promise<void> {
    await this.proxy.close()
    for (const service of [this.dynamodb, this.kinesis, this.kafka]) await service.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
