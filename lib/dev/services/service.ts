import type { Daemon } from './daemon.js'

export type ServiceName = 'dynamodb' | 'kinesis' | 'kafka'

/** Where a local service runs and keeps its data. */
export interface ServicePlace {
  readonly folder: string
  /** Port on 127.0.0.1. */
  readonly port: number
  /** Whether it outlives the process that starts it. */
  readonly detached: boolean
  readonly onSpawn?: (pid: number) => void
}

export interface LocalService extends Daemon {
  readonly name: ServiceName
  readonly port: number
  /** A URL, or host:port of a Kafka broker. */
  readonly endpoint: string
}
