import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { ConfigError } from '../../base/index.js'
import { startDaemon } from './daemon.js'
import type { LocalService, ServicePlace } from './service.js'

/** Streams are created, split and deleted immediately; AWS takes seconds. */
const STARTER = `
const [port, path] = process.argv.slice(1)
const waits = { createStreamMs: 10, updateStreamMs: 10, deleteStreamMs: 10, shardLimit: 100 }
require(process.env.KINESALITE)({ ...waits, path: path || undefined }).listen(Number(port), '127.0.0.1', () => process.stdout.write('ready on ' + port + '\\n'))
`

/** Starts kinesalite, which implements the Kinesis API. With `memory`, its data is not kept. */
export async function startKinesis(place: ServicePlace & { readonly memory?: boolean }): Promise<LocalService> {
  const data = resolve(place.folder, 'kinesis')
  mkdirSync(data, { recursive: true })
  const daemon = await startDaemon({
    name: 'kinesalite',
    command: [process.execPath, '-e', STARTER, String(place.port), ...(place.memory ? [] : [data])],
    env: { KINESALITE: find('kinesalite') },
    logFile: join(place.folder, 'kinesis.log'),
    ready: /^ready on \d+/m,
    detached: place.detached,
    ...(place.onSpawn && { onSpawn: place.onSpawn }),
  })
  return { name: 'kinesis', port: place.port, endpoint: `http://127.0.0.1:${place.port}`, ...daemon }
}

/** The user installs the package: it is searched in the project, then beside Millrace. */
function find(name: string): string {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve(name)
    } catch {
      // It may be in the next place.
    }
  }
  throw new ConfigError(
    'missing-package',
    `Local Kinesis requires the package ${name}: npm install --save-dev ${name}.`,
  )
}
