import { mkdtempSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Daemon, freePort } from '../../lib/dev/services/daemon.js'
import { startDynamodb } from '../../lib/dev/services/dynamodb.js'
import { startKafka } from '../../lib/dev/services/kafka.js'
import { startKinesis } from '../../lib/dev/services/kinesis.js'
import { type BuiltFunction, bundleFunctions } from '../../scripts/bundle.js'
import { startAws } from './aws/server.js'
import type { Asked, Lent, SharedName } from './lend.js'

/** A service on its place. `path` is of the program that runs it, where a suite had to look for one. */
type Start = (place: {
  readonly folder: string
  readonly port: number
  readonly detached: false
  readonly path: string
}) => Promise<Daemon & { readonly endpoint: string }>

const STARTS: Readonly<Record<SharedName, Start>> = {
  dynamodb: (place) => startDynamodb({ ...place, memory: true }),
  kinesis: (place) => startKinesis({ ...place, memory: true }),
  // Compaction in a blink, for who waits for it.
  kafka: (place) =>
    startKafka({ ...place, properties: { 'log.cleaner.backoff.ms': 200, 'broker.heartbeat.interval.ms': 500 } }),
  aws: startAws,
}

/** A broker takes seconds of CPU to start, and some of each minute while it is idle: suites wait for the only one. */
const ONE: ReadonlySet<SharedName> = new Set(['kafka'])

interface Kept {
  readonly name: SharedName
  readonly folder: string
  readonly port: number
  readonly path: string
  service: (Daemon & { readonly endpoint: string }) | undefined
  isLent: boolean
}

/**
 * Lends local services to the suites of one run, each to one at a time, and keeps them running between: there are never
 * more of a kind than suites that run at once. It also bundles the example's functions once for all suites. It lives in
 * the process that outlives them, and answers on loopback.
 */
export class Desk {
  private readonly kept: Kept[] = []
  private readonly server: Server
  private bundled: Promise<BuiltFunction[]> | undefined
  /** Suites that wait for a service of which there is one. */
  private readonly waiting: (() => void)[] = []

  private constructor() {
    this.server = createServer((request, response) => {
      bodyOf(request)
        .then((body) => this.answer(JSON.parse(body) as Asked))
        .then(
          (given) => response.end(JSON.stringify(given)),
          (error: Error) => response.writeHead(500).end(error.message),
        )
    })
    // A start may take as long as it takes.
    this.server.requestTimeout = 0
  }

  static async open(): Promise<Desk> {
    const desk = new Desk()
    await new Promise<void>((resolve) => void desk.server.listen(0, '127.0.0.1', resolve))
    return desk
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
    await Promise.all(this.kept.map(({ service }) => service?.stop()))
  }

  private async answer(asked: Asked): Promise<Lent | object> {
    if (asked.do === 'bundle') {
      this.bundled ??= bundleFunctions(mkdtempSync(join(tmpdir(), 'millrace-functions-')))
      return await this.bundled
    }
    if (asked.do === 'lend') return await this.lend(asked.name, asked.path ?? '')
    const kept = this.kept[asked.id]!
    if (asked.do === 'return') {
      kept.isLent = false
      for (const go of this.waiting.splice(0)) go()
    }
    if (asked.do === 'start') await this.start(kept)
    if (asked.do === 'stop') {
      await kept.service?.stop(asked.signal)
      kept.service = undefined
    }
    return {}
  }

  private async lend(name: SharedName, path: string): Promise<Lent> {
    const port = await freePort()
    while (ONE.has(name) && this.kept.some((one) => one.name === name && one.isLent))
      await new Promise<void>((resolve) => void this.waiting.push(resolve))
    let id = this.kept.findIndex((one) => one.name === name && !one.isLent)
    const isUsed = id >= 0
    if (!isUsed) {
      const folder = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
      id = this.kept.push({ name, folder, path, port, service: undefined, isLent: true }) - 1
    }
    const kept = this.kept[id]!
    kept.isLent = true
    await this.start(kept)
    return { id, isUsed, endpoint: kept.service!.endpoint, folder: kept.folder }
  }

  /** On the same port each time, with the data where the service keeps any. */
  private async start(kept: Kept): Promise<void> {
    const { name, folder, port, path } = kept
    kept.service ??= await STARTS[name]({ folder, port, path, detached: false })
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
