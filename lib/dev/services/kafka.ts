import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startDaemon } from './daemon.js'
import { execute, must } from './execute.js'
import { type Artifacts, classPath } from './jars.js'
import type { LocalService, ServicePlace } from './service.js'

export const KAFKA: Artifacts = {
  name: 'kafka',
  dependencies: ['org.apache.kafka:kafka_2.13:4.3.1', 'org.slf4j:slf4j-simple:1.7.36'],
}

/** Any 16 bytes, in base64 for URLs. */
const CLUSTER_ID = 'bWlsbHJhY2UtbG9jYWwtMA'

/** The broker runs for minutes at most, so the options minimize its startup time. */
const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

const LOGGING = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
]

export interface KafkaPlace extends ServicePlace {
  /** Additional server properties, or replacements for the defaults below: a listener with TLS, retention. */
  readonly properties?: Readonly<Record<string, string | number>>
  /** Users of SCRAM-SHA-512, created when the broker is first started. */
  readonly scram?: Readonly<Record<string, string>>
}

/** Starts one Apache Kafka broker that is its own controller. */
export async function startKafka(place: KafkaPlace): Promise<LocalService> {
  const path = await classPath(KAFKA)
  const folder = join(place.folder, 'kafka')
  const data = join(folder, 'data')
  // Kafka's codecs are native libraries: each broker unpacks them, and leaves them behind if it is killed.
  const temporary = join(folder, 'tmp')
  const file = join(folder, 'server.properties')
  const isNew = !existsSync(data)
  mkdirSync(data, { recursive: true })
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary)
  const properties = { ...defaults(place.port, await freePort(), data), ...place.properties }
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, lines.join(''))
  if (isNew) {
    const users = Object.entries(place.scram ?? {}).flatMap(([name, password]) => [
      '--add-scram',
      `SCRAM-SHA-512=[name=${name},password=${password}]`,
    ])
    const format = [...JVM, '-cp', path, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file, ...users]
    await must(execute('java', format), 'The folder of Kafka cannot be formatted')
  }
  const daemon = await startDaemon({
    name: 'Apache Kafka',
    command: [
      'java',
      '-Xms64m',
      '-Xmx512m',
      ...JVM,
      `-Djava.io.tmpdir=${temporary}`,
      ...LOGGING,
      '-cp',
      path,
      'kafka.Kafka',
      file,
    ],
    logFile: join(place.folder, 'kafka.log'),
    ready: /Kafka Server started/,
    detached: place.detached,
    ...(place.onSpawn && { onSpawn: place.onSpawn }),
  })
  return { name: 'kafka', port: place.port, endpoint: `127.0.0.1:${place.port}`, ...daemon }
}

/** Properties of a broker that is ready soon after a start or a kill, and never creates a topic automatically. */
function defaults(port: number, controllerPort: number, data: string): Record<string, string | number> {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
    'auto.create.topics.enable': 'false',
    'num.partitions': 1,
    'default.replication.factor': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
    'offsets.retention.minutes': 2147483647,
    'broker.session.timeout.ms': 1500,
    'broker.heartbeat.interval.ms': 200,
    'log.cleaner.dedupe.buffer.size': 2097152,
  }
}
