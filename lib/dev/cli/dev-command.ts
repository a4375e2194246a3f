import { ConfigError } from '../../base/index.js'
import { jsonLogger, silentLogger, systemClock } from '../../observe/index.js'
import { KAFKA_MECHANISMS } from '../../sources/kafka/secret.js'
import { dev } from '../live/dev.js'
import { conservation, imbalance } from '../summary.js'
import { numberText } from '../text.js'
import { type Io, say } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { type PlaceFlags, usePlace } from './place.js'
import { progressPrinter } from './progress.js'
import { wholeNumber } from './run-command.js'
import { warn } from './warn.js'

export interface DevFlags extends PlaceFlags {
  readonly state?: string
  readonly bind?: readonly string[]
  readonly brokers?: string
  readonly tls?: boolean
  readonly kafkaCredentials?: string
  readonly kafkaMechanism?: string
  readonly kafkaCa?: string
  readonly kinesisEndpoint?: string
  readonly group?: string
  readonly batch?: string
  readonly tick?: string
  readonly timeout?: string
  readonly out?: string
  readonly json?: boolean
  readonly verbose?: boolean
}

const DOUBLED_MS = 500

/**
 * `millrace dev`. Returns the exit code: 0 stopped in order, 1 records not conserved, 130 stopped immediately by a
 * second Ctrl-C.
 */
export async function devCommand(file: string, flags: DevFlags, io: Io): Promise<number> {
  const pipeline = await loadPipeline(file)
  warn(pipeline, io)
  const dynamodb = usePlace(flags)
  const stop = new AbortController()
  let stoppedAt = 0
  const onSignal = (): void => {
    // The process that started this one may forward the terminal's signal, so that this process receives it twice.
    if (stop.signal.aborted && systemClock.now() - stoppedAt < DOUBLED_MS) return
    if (stop.signal.aborted) process.exit(130)
    stoppedAt = systemClock.now()
    stop.abort()
    io.stderr.write(
      '\nStopping after the batches in flight. Press Ctrl-C again to stop immediately; no data is lost.\n',
    )
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const progress = progressPrinter(io.stderr, () => systemClock.now())
  try {
    const summary = await dev(pipeline, {
      ...liveBindings(flags),
      dynamodb,
      state: flags.state,
      group: flags.group,
      batch: wholeNumber('--batch', flags.batch),
      tickMs: milliseconds('--tick', flags.tick),
      timeoutMs: milliseconds('--timeout', flags.timeout),
      out: flags.out,
      signal: stop.signal,
      logger: flags.verbose ? jsonLogger((line) => io.stderr.write(`${line}\n`)) : quietLogger(io),
      onReady: () => io.stderr.write(`Reading ${pipeline.name} live. Press Ctrl-C to stop.\n`),
      onProgress: (state) => progress.show(state),
    })
    progress.end()
    if (flags.json) io.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`)
    else {
      say(io, `${conservation(summary)}\n`)
      say(
        io,
        `${numberText(summary.delivered)} records were delivered by this process in ${numberText(summary.seconds)} s with ${numberText(summary.invocations)} invocations.`,
      )
      for (const sink of summary.sinks) say(io, `${sink.name}: ${numberText(sink.rows)} rows in ${sink.file}`)
    }
    const lost = imbalance(summary)
    if (lost !== undefined) io.stderr.write(`error: records are not conserved: ${lost}\n`)
    return lost === undefined ? 0 : 1
  } finally {
    progress.end()
    process.removeListener('SIGINT', onSignal)
    process.removeListener('SIGTERM', onSignal)
  }
}

/** Logs only warnings and errors, as readable lines. */
function quietLogger(io: Io) {
  const say = (level: string) => (message: string, fields?: object) => {
    io.stderr.write(`${level}: ${message}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}\n`)
  }
  return { ...silentLogger, warn: say('warning'), error: say('error') }
}

/** The names and connections that the flags give the sources and sinks. */
export function liveBindings(flags: DevFlags) {
  const { brokers, tls, kafkaCredentials, kafkaMechanism, kafkaCa, kinesisEndpoint, region } = flags
  // MSK and the constructs use this name.
  const named = kafkaMechanism === 'scram' ? 'scram-sha-512' : kafkaMechanism
  const mechanism = KAFKA_MECHANISMS.find((name) => name === named)
  if (kafkaMechanism !== undefined && mechanism === undefined) {
    throw new ConfigError(
      'bad-mechanism',
      `--kafka-mechanism must be one of ${KAFKA_MECHANISMS.join(', ')}; it is ${JSON.stringify(kafkaMechanism)}.`,
    )
  }
  return {
    names: parseNames(flags.bind ?? []),
    kafka: {
      ...(brokers !== undefined && { brokers: brokers.split(',').map((broker) => broker.trim()) }),
      ...(tls === true && { tls }),
      ...(kafkaCredentials !== undefined && { credentials: kafkaCredentials }),
      ...(mechanism !== undefined && { mechanism }),
      ...(kafkaCa !== undefined && { rootCa: kafkaCa }),
    },
    kinesis: {
      ...(kinesisEndpoint !== undefined && { endpoint: kinesisEndpoint }),
      ...(region !== undefined && { region }),
    },
  }
}

/** Parses `NAME=PHYSICAL`, once per name. */
function parseNames(texts: readonly string[]): Record<string, string> {
  const names: Record<string, string> = Object.create(null)
  for (const text of texts) {
    const cut = text.indexOf('=')
    if (cut < 1 || cut === text.length - 1) {
      throw new ConfigError(
        'bad-bind',
        `--bind must be NAME=PHYSICAL, such as orders=prod-orders-v2; it is ${JSON.stringify(text)}.`,
      )
    }
    names[text.slice(0, cut)] = text.slice(cut + 1)
  }
  return names
}

function milliseconds(flag: string, text: string | undefined): number | undefined {
  const ms = wholeNumber(flag, text)
  if (ms === undefined || ms >= 100) return ms
  throw new ConfigError('bad-number', `${flag} must be at least 100 ms; it is ${ms}.`)
}
