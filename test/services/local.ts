import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { type KafkaPlace, startKafka } from '../../lib/dev/services/kafka.js'
import type { LocalService, ServiceName } from '../../lib/dev/services/service.js'
import { ask, type Lent } from './lend.js'
import { warm, wipe } from './wipe.js'

/** Clients read these from the environment; local services take any. */
process.env.AWS_ACCESS_KEY_ID ??= 'local'
process.env.AWS_SECRET_ACCESS_KEY ??= 'local'
process.env.AWS_REGION ??= 'eu-west-1'
process.env.AWS_EC2_METADATA_DISABLED = 'true'

/** Services that a suite has for itself while its tests run. */
export interface Services {
  /** The suite's own, which goes with it. */
  readonly folder: string
  endpoint(name: ServiceName): string
  /** Ends a service; `start` brings it back on the same port, with its data where it keeps any. */
  stop(name: ServiceName, signal?: NodeJS.Signals): Promise<void>
  start(name: ServiceName): Promise<void>
}

/**
 * A suite against real services, empty ones, lent to it alone. Where Java or Maven is missing it does not run, and says
 * so; under CI=true the run fails before.
 */
export function describeLive(title: string, names: readonly ServiceName[], suite: (services: Services) => void): void {
  describeIn(title, { needsJava: names.some((name) => name !== 'kinesis') }, (folder) => {
    const lent = new Map<ServiceName, Lent>()
    const services: Services = {
      folder,
      endpoint: (name) => lent.get(name)!.endpoint,
      async stop(name, signal) {
        await ask({ do: 'stop', id: lent.get(name)!.id, ...(signal && { signal }) })
      },
      async start(name) {
        await ask({ do: 'start', id: lent.get(name)!.id })
      },
    }
    beforeAll(async () => {
      const lend = async (name: ServiceName): Promise<void> => {
        const service = await ask({ do: 'lend', name })
        lent.set(name, service)
        await (service.isUsed ? wipe[name](service) : warm(name, service))
      }
      // A suite that waits for the broker keeps no other service from anybody.
      if (names.includes('kafka')) await lend('kafka')
      await Promise.all(names.filter((name) => name !== 'kafka').map(lend))
    })
    afterAll(async () => {
      await Promise.all([...lent.values()].map(({ id }) => ask({ do: 'return', id })))
    })
    suite(services)
  })
}

/** The folder of a suite, and how it starts its broker in it. */
export interface OwnBroker {
  readonly folder: string
  start(place: Pick<KafkaPlace, 'port' | 'properties' | 'scram'>): Promise<void>
}

/** A suite against a broker that it starts itself, since it is made as no other suite's is. */
export function describeBroker(title: string, suite: (broker: OwnBroker) => void): void {
  describeIn(title, { needsJava: true }, (folder) => {
    let broker: LocalService | undefined
    afterAll(() => broker?.stop())
    const start: OwnBroker['start'] = async (place) => {
      broker = await startKafka({ folder, detached: false, ...place })
    }
    suite({ folder, start })
  })
}

/** Describes a suite in a folder that goes with it, or says why it is not run. */
function describeIn(title: string, { needsJava }: { needsJava: boolean }, suite: (folder: string) => void): void {
  const missing = needsJava ? inject('missingJava') : ''
  if (missing !== '') {
    describe.skip(`${title} (not run: ${missing})`, () => suite(''))
    return
  }
  describe(title, () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-services-'))
    afterAll(() => rmSync(folder, { recursive: true, force: true }))
    suite(folder)
  })
}
