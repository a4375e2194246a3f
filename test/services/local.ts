import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { freePort } from '../../lib/dev/services/daemon.js'
import { startDynamodb } from '../../lib/dev/services/dynamodb.js'
import { type KafkaPlace, startKafka } from '../../lib/dev/services/kafka.js'
import { startKinesis } from '../../lib/dev/services/kinesis.js'
import type { LocalService, ServiceName } from '../../lib/dev/services/service.js'

/** Clients read these from the environment; local services take any. */
process.env.AWS_ACCESS_KEY_ID ??= 'local'
process.env.AWS_SECRET_ACCESS_KEY ??= 'local'
process.env.AWS_REGION ??= 'eu-west-1'
process.env.AWS_EC2_METADATA_DISABLED = 'true'

const STARTS = {
  dynamodb: (place: KafkaPlace) => startDynamodb({ ...place, memory: true }),
  kinesis: (place: KafkaPlace) => startKinesis({ ...place, memory: true }),
  kafka: startKafka,
}

/** Services of one suite: they run while its tests do. */
export interface Services {
  readonly folder: string
  endpoint(name: ServiceName): string
  /** Ends a service; `start` brings it back on the same port, with its data where it keeps any. */
  stop(name: ServiceName, signal?: NodeJS.Signals): Promise<void>
  start(name: ServiceName, kafka?: Pick<KafkaPlace, 'properties' | 'scram'>): Promise<void>
}

/**
 * A suite against real services, started for it. Where Java or Maven is missing it does not run, and says so; under CI=true the run fails before.
 */
export function describeLive(title: string, names: readonly ServiceName[], suite: (services: Services) => void): void {
  const missing = names.every((name) => name === 'kinesis') ? '' : inject('missingJava')
  if (missing !== '') {
    describe.skip(`${title} (not run: ${missing})`, () => suite({} as Services))
    return
  }
  describe(title, () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-services-'))
    const running = new Map<ServiceName, LocalService>()
    const ports = new Map<ServiceName, number>()
    const services: Services = {
      folder,
      endpoint: (name) => running.get(name)!.endpoint,
      async stop(name, signal) {
        await running.get(name)!.stop(signal)
        running.delete(name)
      },
      async start(name, kafka) {
        const port = ports.get(name) ?? (await freePort())
        ports.set(name, port)
        running.set(name, await STARTS[name]({ folder, port, detached: false, ...kafka }))
      },
    }
    beforeAll(() => Promise.all(names.map((name) => services.start(name))).then(() => undefined), 90_000)
    afterAll(async () => {
      await Promise.all([...running.values()].map((service) => service.stop()))
      rmSync(folder, { recursive: true, force: true })
    }, 30_000)
    suite(services)
  })
}
