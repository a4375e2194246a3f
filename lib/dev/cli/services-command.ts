import { ConfigError } from '../../base/index.js'
import type { ServiceName } from '../services/service.js'
import {
  SERVICE_NAMES,
  type ServiceStatus,
  servicesDown,
  servicesEnvironment,
  servicesForget,
  servicesStatus,
  servicesUp,
} from '../services/services.js'
import { table } from '../text.js'
import type { Io } from './io.js'
import { whileWaiting } from './progress.js'

export interface ServicesFlags {
  readonly dir: string
  readonly only?: string
  readonly fresh?: boolean
  readonly json?: boolean
}

/** `millrace services up`: starts local DynamoDB, Kinesis and Kafka, and prints how to connect to them. */
export async function upCommand(flags: ServicesFlags, io: Io): Promise<number> {
  if (flags.fresh) await servicesForget(flags.dir)
  io.stderr.write('Starting local services (the first start downloads their jars) …\n')
  const names = namesOf(flags.only)
  let at = ''
  const work = servicesUp(flags.dir, names, (name) => {
    at = `${name}, ${names.indexOf(name) + 1} of ${names.length}`
    io.stderr.write(`  ${at}\n`)
  })
  const statuses = await whileWaiting(io.stderr, () => at, work)
  show(statuses, flags, io)
  if (flags.json) return 0
  const exports = Object.entries(servicesEnvironment(flags.dir)).map(([name, value]) => `  export ${name}=${value}`)
  io.stdout.write(
    `\nMillrace commands use them with --services${flags.dir === '.millrace/services' ? '' : ` ${flags.dir}`}; other programs use them with:\n${exports.join('\n')}\n`,
  )
  return 0
}

export async function downCommand(flags: ServicesFlags, io: Io): Promise<number> {
  show(await servicesDown(flags.dir), flags, io)
  return 0
}

/** Returns exit code 1 if a service has terminated unexpectedly. */
export async function servicesStatusCommand(flags: ServicesFlags, io: Io): Promise<number> {
  const statuses = await servicesStatus(flags.dir)
  show(statuses, flags, io)
  return statuses.some(({ state }) => state === 'ended by itself') ? 1 : 0
}

function show(statuses: readonly ServiceStatus[], flags: ServicesFlags, io: Io): void {
  if (flags.json) {
    io.stdout.write(`${JSON.stringify(statuses, undefined, 2)}\n`)
    return
  }
  const rows = statuses.map(({ name, state, endpoint, pid, log }) => [name, state, endpoint, pid || '-', log])
  io.stdout.write(
    rows.length === 0
      ? `No service has been started in ${flags.dir}. Start them with: millrace services up\n`
      : `${table(
          ['service', 'state', 'endpoint', 'pid', 'log'],
          rows.map((row) => row.map(String)),
        )}\n`,
  )
}

function namesOf(only: string | undefined): readonly ServiceName[] {
  if (only === undefined) return SERVICE_NAMES
  const names = only.split(',').map((name) => name.trim())
  for (const name of names) {
    if ((SERVICE_NAMES as readonly string[]).includes(name)) continue
    throw new ConfigError(
      'bad-service',
      `--only must list services of ${SERVICE_NAMES.join(', ')}; it contains ${JSON.stringify(name)}.`,
    )
  }
  return names as ServiceName[]
}
