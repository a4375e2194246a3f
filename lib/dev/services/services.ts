import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, MillraceError, messageOf } from '../../base/index.js'
import { freePort, isAlive, isFree, stopProcess } from './daemon.js'
import { startDynamodb } from './dynamodb.js'
import { startKafka } from './kafka.js'
import { startKinesis } from './kinesis.js'
import type { ServiceName } from './service.js'

/** A service of a folder, as it was last started. */
export interface ServiceRecord {
  readonly name: ServiceName
  readonly endpoint: string
  readonly port: number
  /** 0 once it was stopped. Its port is kept, so that the endpoint stays the same. */
  readonly pid: number
}

export interface ServiceStatus extends ServiceRecord {
  readonly state: 'running' | 'stopped' | 'ended by itself'
  readonly log: string
}

export const SERVICE_NAMES: readonly ServiceName[] = ['dynamodb', 'kinesis', 'kafka']
const FREE_TRIES = 15
const FREE_PAUSE_MS = 200
export const defaultServicesFolder = '.millrace/services'

const STARTS = { dynamodb: startDynamodb, kinesis: startKinesis, kafka: startKafka }
/** Kafka needs a clean shutdown to deregister from its controller; the others have nothing to write. */
const STOP_SIGNAL: Readonly<Record<ServiceName, NodeJS.Signals>> = {
  dynamodb: 'SIGTERM',
  kinesis: 'SIGTERM',
  kafka: 'SIGTERM',
}

/**
 * Starts those of the services that are not running, in the background, with their data in the folder. Services that
 * cannot start are reported together, and the others keep running.
 * @throws {MillraceError} with what is missing for each service that did not start
 */
export async function servicesUp(
  folder: string,
  names: readonly ServiceName[] = SERVICE_NAMES,
  onStart: (name: ServiceName) => void = () => undefined,
): Promise<readonly ServiceStatus[]> {
  mkdirSync(resolve(folder), { recursive: true })
  const failures: string[] = []
  // One after another: each is a JVM that uses all CPUs while it starts.
  for (const name of names) {
    const before = readRecords(folder).find((record) => record.name === name)
    if (before !== undefined && before.pid > 0 && (await answers(before))) continue
    onStart(name)
    try {
      const port = before !== undefined && (await isFreeSoon(before.port)) ? before.port : await freePort()
      // The pid is recorded before the service is ready, so that the service can be stopped even if this process is
      // killed meanwhile.
      const onSpawn = (pid: number): void => writeRecord(folder, { name, endpoint: 'starting', port, pid })
      const { endpoint, pid } = await STARTS[name]({ folder: resolve(folder), port, detached: true, onSpawn })
      writeRecord(folder, { name, endpoint, port, pid })
    } catch (error) {
      if (before === undefined) forgetRecord(folder, name)
      else writeRecord(folder, { ...before, pid: 0 })
      failures.push(messageOf(error))
    }
  }
  if (failures.length > 0) {
    failures.push('The services that did start keep running; stop them with: millrace services down')
    throw new MillraceError('no-service', failures.join('\n'))
  }
  return await servicesStatus(folder)
}

/** Stops the running services of the folder. Their data is kept. */
export async function servicesDown(folder: string): Promise<readonly ServiceStatus[]> {
  for (const record of readRecords(folder)) {
    if (await isOurs(record)) await stopProcess(record.pid, STOP_SIGNAL[record.name])
    writeRecord(folder, { ...record, pid: 0 })
  }
  return await servicesStatus(folder)
}

export async function servicesStatus(folder: string): Promise<readonly ServiceStatus[]> {
  const statuses: ServiceStatus[] = []
  for (const record of readRecords(folder)) {
    const state = (await answers(record)) ? 'running' : record.pid === 0 ? 'stopped' : 'ended by itself'
    statuses.push({ ...record, state, log: join(resolve(folder), `${record.name}.log`) })
  }
  return statuses
}

/** The environment variables with which clients find the services of a folder. */
export function servicesEnvironment(folder: string): Record<string, string> {
  const records = readRecords(folder)
  if (records.length === 0) {
    throw new ConfigError(
      'no-services',
      `The folder ${folder} has no services. Start them with: millrace services up${folder === defaultServicesFolder ? '' : ` --dir ${folder}`}`,
    )
  }
  const gone = records.filter(({ pid }) => pid === 0 || !isAlive(pid)).map(({ name }) => name)
  if (gone.length > 0) {
    throw new ConfigError(
      'services-stopped',
      `Of the services in ${folder}, ${gone.join(' and ')} ${gone.length === 1 ? 'is' : 'are'} not running. Start them with: millrace services up${folder === defaultServicesFolder ? '' : ` --dir ${folder}`}`,
    )
  }
  const of = (name: ServiceName): string | undefined => records.find((record) => record.name === name)?.endpoint
  const entries: [string, string | undefined][] = [
    ['AWS_ENDPOINT_URL_DYNAMODB', of('dynamodb')],
    ['AWS_ENDPOINT_URL_KINESIS', of('kinesis')],
    ['MILLRACE_KAFKA_BROKERS', of('kafka')],
    // Local services accept any credentials, but clients refuse to make a request without them.
    ['AWS_ACCESS_KEY_ID', 'local'],
    ['AWS_SECRET_ACCESS_KEY', 'local'],
    ['AWS_REGION', 'us-east-1'],
  ]
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** Also true for a service that was still starting when the process that started it was stopped. */
async function isOurs(record: ServiceRecord): Promise<boolean> {
  return record.endpoint === 'starting' ? record.pid > 0 && isAlive(record.pid) : await answers(record)
}

/**
 * Whether a process with that pid runs and something listens on the port. The pid alone may belong to another process
 * by now.
 */
async function answers({ pid, port }: ServiceRecord): Promise<boolean> {
  return pid > 0 && isAlive(pid) && (await listens(port))
}

/** Clients of a service that has just ended may hold its port for a moment. */
async function isFreeSoon(port: number): Promise<boolean> {
  for (let tries = 0; tries < FREE_TRIES; tries++) {
    if (await isFree(port)) return true
    await sleep(FREE_PAUSE_MS)
  }
  return false
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

const recordsFile = (folder: string): string => join(resolve(folder), 'services.json')

function readRecords(folder: string): readonly ServiceRecord[] {
  const file = recordsFile(folder)
  if (!existsSync(file)) return []
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ServiceRecord[]
  } catch {
    throw new ConfigError(
      'bad-services',
      `${file} is damaged. Remove it, and stop the services that it listed manually.`,
    )
  }
}

function writeRecord(folder: string, record: ServiceRecord): void {
  const file = recordsFile(folder)
  const records = [...readRecords(folder).filter(({ name }) => name !== record.name), record]
  writeFileSync(`${file}.tmp`, JSON.stringify(records, undefined, 2))
  renameSync(`${file}.tmp`, file)
}

function forgetRecord(folder: string, name: ServiceName): void {
  writeFileSync(
    recordsFile(folder),
    JSON.stringify(
      readRecords(folder).filter((record) => record.name !== name),
      undefined,
      2,
    ),
  )
}

/** Deletes the data of services that are not running. */
export async function servicesForget(folder: string): Promise<void> {
  for (const record of readRecords(folder)) {
    if (!(await answers(record))) continue
    throw new ConfigError(
      'services-run',
      `The service ${record.name} is running on this data. Stop it with: millrace services down`,
    )
  }
  for (const name of [...SERVICE_NAMES, 'services.json'])
    rmSync(join(resolve(folder), name), { recursive: true, force: true })
}
