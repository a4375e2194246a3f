import { staysAs } from '../dead-letters/letter.js'
import { type LettersPlace, openLetters } from '../dead-letters/open.js'
import { redrive } from '../dead-letters/redrive.js'
import { numberText, table } from '../text.js'
import { type DevFlags, liveBindings } from './dev-command.js'
import type { Io } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { usePlace } from './place.js'
import { stepPrinter } from './progress.js'

export interface DeadLettersFlags extends DevFlags, LettersPlace {
  readonly reason?: string
  readonly dryRun?: boolean
}

/**
 * `millrace dead-letters list`: counts dead letters by reason and source, and prints the detail of the first one of
 * each.
 */
export async function listDeadLettersCommand(flags: DeadLettersFlags, io: Io): Promise<number> {
  const letters = await openLetters(flags, usePlace(flags))
  const groups = new Map<string, { reason: string; source: string; rows: number; again: number; detail: string }>()
  const progress = stepPrinter(io.stderr)
  let read = 0
  try {
    for await (const letter of letters.all()) {
      progress.show(`${numberText(++read)} dead letters read`)
      const { reason, source, file, line } = letter
      const detail = file === undefined ? letter.detail : `${file}:${line}: ${letter.detail}`
      const name = JSON.stringify([reason, source])
      const group = groups.get(name) ?? { reason, source, rows: 0, again: 0, detail }
      group.rows++
      if (staysAs(letter, reason) === undefined) group.again++
      groups.set(name, group)
    }
  } finally {
    progress.end()
    letters.close()
  }
  const found = [...groups.values()].sort((a, b) => b.rows - a.rows)
  if (flags.json) io.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`)
  else if (found.length === 0) io.stdout.write('There are no dead letters.\n')
  else {
    const rows = found.map(({ reason, source, rows: count, again, detail }) => [
      reason,
      source,
      numberText(count),
      numberText(again),
      detail,
    ])
    io.stdout.write(`${table(['reason', 'source', 'rows', 'can be sent again', 'example'], rows)}\n`)
  }
  return 0
}

/** `millrace dead-letters redrive`. Returns the exit code: 0 done, 130 stopped by Ctrl-C. */
export async function redriveCommand(file: string, flags: DeadLettersFlags, io: Io): Promise<number> {
  const pipeline = await loadPipeline(file)
  const letters = await openLetters(flags, usePlace(flags))
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal)
  const progress = stepPrinter(io.stderr)
  try {
    const { sent, left, stays } = await redrive(pipeline, {
      ...liveBindings(flags),
      letters,
      isDry: flags.dryRun === true,
      ...(flags.reason !== undefined && { reason: flags.reason }),
      signal: stop.signal,
      onProgress: (count) => progress.show(`${numberText(count)} records sent`),
    })
    progress.end()
    io.stdout.write(
      `${numberText(sent)} records ${flags.dryRun ? 'would be sent' : 'sent'} again, ${numberText(left)} left in place\n`,
    )
    for (const { reason, why, count } of stays) io.stdout.write(`  ${numberText(count)} ${reason}: ${why}\n`)
    return stop.signal.aborted ? 130 : 0
  } finally {
    progress.end()
    letters.close()
    process.removeListener('SIGINT', onSignal)
  }
}
