import { send } from '../live/send.js'
import { numberText } from '../text.js'
import { type DevFlags, liveBindings } from './dev-command.js'
import type { Io } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { usePlace } from './place.js'
import { stepPrinter } from './progress.js'
import { parseInputs, wholeNumber } from './run-command.js'

export interface SendFlags extends DevFlags {
  readonly input?: readonly string[]
  readonly create?: string
  readonly rate?: string
}

/** `millrace send`. Returns the exit code: 0 all records sent, 130 stopped by Ctrl-C. */
export async function sendCommand(file: string, flags: SendFlags, io: Io): Promise<number> {
  const pipeline = await loadPipeline(file)
  usePlace(flags)
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal)
  const progress = stepPrinter(io.stderr)
  try {
    const sent = await send(pipeline, {
      ...liveBindings(flags),
      inputs: parseInputs(flags.input ?? []),
      create: wholeNumber('--create', flags.create),
      rate: wholeNumber('--rate', flags.rate),
      signal: stop.signal,
      onProgress: (count, share) =>
        progress.show(`${numberText(count)} records sent (${Math.floor(share * 100)}% of the input is read)`),
    })
    progress.end()
    for (const [source, count] of Object.entries(sent))
      io.stdout.write(`${source}: ${numberText(count)} records sent\n`)
    return stop.signal.aborted ? 130 : 0
  } finally {
    progress.end()
    process.removeListener('SIGINT', onSignal)
  }
}
