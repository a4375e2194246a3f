import { ConfigError } from '../../base/index.js'
import { jsonLogger, silentLogger, systemClock } from '../../observe/index.js'
import type { Logger } from '../../ports/index.js'
import { rowsText } from '../rows-text.js'
import { run } from '../run.js'
import { imbalance, summaryText } from '../summary.js'
import { bold } from '../text.js'
import { type Io, say } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { maxRejected, TOO_MANY_REJECTED, tooManyRejected } from './max-rejected.js'
import { type PlaceFlags, usePlace } from './place.js'
import { progressPrinter } from './progress.js'
import { freshCommand, staleText } from './run-arguments.js'
import { warn } from './warn.js'

export interface RunFlags extends PlaceFlags {
  readonly input?: readonly string[]
  readonly splits?: string
  readonly batch?: string
  readonly state?: string
  readonly out?: string
  readonly chaos?: string
  readonly fresh?: boolean
  readonly maxRejected?: string
  readonly watch?: boolean
  readonly show?: string
  readonly json?: boolean
  readonly verbose?: boolean
}

/** How many distinct faults a run prints as they happen. */
const FAULTS_SAID_MAX = 10

/**
 * `millrace run`. Returns the exit code: 0 complete, 130 stopped by Ctrl-C, 1 records not conserved, 3 too many records
 * rejected.
 */
export async function runCommand(file: string, flags: RunFlags, io: Io): Promise<number> {
  const most = maxRejected(flags.maxRejected)
  const pipeline = await loadPipeline(file)
  warn(pipeline, io)
  const dynamodb = usePlace(flags)
  const show = wholeNumber('--show', flags.show)
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const progress = progressPrinter(io.stderr, () => systemClock.now())
  try {
    const summary = await run(pipeline, {
      inputs: parseInputs(flags.input ?? []),
      splits: wholeNumber('--splits', flags.splits),
      batch: wholeNumber('--batch', flags.batch),
      chaos: wholeNumber('--chaos', flags.chaos),
      state: flags.state,
      dynamodb,
      out: flags.out,
      fresh: flags.fresh === true,
      code: file,
      onStale: (stale) => io.stderr.write(`${bold(staleText(file, stale, freshCommand(file, flags)))}\n`),
      signal: stop.signal,
      logger: loggerOf(flags, io),
      onProgress: (state) => progress.show(state),
    })
    progress.end()
    if (flags.json) io.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`)
    else say(io, summaryText(summary))
    if (!flags.json && show !== undefined)
      for (const sink of summary.sinks.filter(({ rows }) => rows > 0)) say(io, `\n${rowsText(sink, show)}`)
    const lost = imbalance(summary)
    if (lost !== undefined) io.stderr.write(`error: records are not conserved: ${lost}\n`)
    if (lost !== undefined) return 1
    const rejected = tooManyRejected(summary, most)
    if (rejected !== undefined) io.stderr.write(`error: ${rejected}\n`)
    if (rejected !== undefined) return TOO_MANY_REJECTED
    return summary.complete ? 0 : 130
  } finally {
    progress.end()
    process.removeListener('SIGINT', onSignal)
    process.removeListener('SIGTERM', onSignal)
  }
}

/** A logger that prints each problem that blocks a run once, when it happens. Injected faults are not printed. */
function loggerOf(flags: RunFlags, io: Io): Logger {
  if (flags.verbose) return jsonLogger((line) => io.stderr.write(`${line}\n`))
  if (flags.chaos !== undefined) return silentLogger
  const said = new Set<string>()
  return {
    ...silentLogger,
    error: (message, fields) => {
      const text = `${message}: ${String(fields?.error ?? '')}`
      if (said.has(text) || said.size >= FAULTS_SAID_MAX) return
      said.add(text)
      io.stderr.write(`warning: ${text}\n`)
    },
  }
}

/** Parses `SOURCE=FILE`, once per file. */
export function parseInputs(texts: readonly string[]): Record<string, string[]> {
  // The object has no prototype, so that no source name clashes with an inherited property.
  const inputs: Record<string, string[]> = Object.create(null)
  for (const text of texts) {
    const cut = text.indexOf('=')
    if (cut < 1 || cut === text.length - 1)
      throw new ConfigError(
        'bad-input',
        `--input must be SOURCE=FILE, such as orders=orders.ndjson.gz; it is ${JSON.stringify(text)}.`,
      )
    const source = text.slice(0, cut)
    inputs[source] ??= []
    inputs[source].push(text.slice(cut + 1))
  }
  return inputs
}

export function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new ConfigError('bad-number', `${flag} must be a whole number; it is ${JSON.stringify(text)}.`)
}
