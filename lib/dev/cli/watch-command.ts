import { type ChildProcess, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../../base/index.js'
import { changedFiles, codeFiles } from '../code-files.js'
import { bold, timesText } from '../text.js'
import type { Io } from './io.js'
import { freshArguments } from './run-arguments.js'
import { parseInputs, type RunFlags } from './run-command.js'

/** How often files are checked. Polling finds every change since the last run, on any file system. */
const LOOK_MS = 200
/** How long a run that was asked to stop may take. */
const STOP_MS = 5_000

/**
 * `millrace run --watch`: runs from the start, and again whenever a file of the pipeline or an input is saved. Each run
 * is a separate process, because a module cannot be reloaded. A failed run is reported, and the next save starts
 * another. Ctrl-C ends the command with exit code 0.
 */
export async function watchCommand(file: string, flags: RunFlags, io: Io): Promise<number> {
  if (flags.state?.startsWith('dynamodb:'))
    throw new ConfigError(
      'no-watch',
      `--watch starts over at each save, but the table of --state ${flags.state} is not cleared. Use --state memory, or omit --state.`,
    )
  const inputs = Object.values(parseInputs(flags.input ?? [])).flat()
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    while (!stop.signal.aborted) {
      const before = snapshot(file, inputs)
      const run = started(file, flags)
      const ended = once(run)
      const saving = nextSave(file, inputs, before, stop.signal)
      const isDone = await Promise.race([saving.then(() => false), ended])
      if (isDone && !stop.signal.aborted) {
        const count = timesText(Object.keys(before).length, 'file')
        io.stderr.write(`Watching ${count}. Saving one of them starts the run again; press Ctrl-C to end.\n`)
      }
      const saved = await saving
      await stopped(run, ended)
      if (saved !== undefined && !stop.signal.aborted)
        io.stderr.write(`\n${bold(`${saved.join(', ')} changed: running again.`)}\n`)
    }
    return 0
  } finally {
    process.removeListener('SIGINT', onSignal)
    process.removeListener('SIGTERM', onSignal)
  }
}

type Snapshot = Readonly<Record<string, string>>

/**
 * Code is compared by content, because a save may change nothing. Inputs, which may be large, are compared by size and
 * time.
 */
function snapshot(file: string, inputs: readonly string[]): Snapshot {
  const folder = dirname(resolve(file))
  const named = (path: string): string => relative(process.cwd(), path)
  const code = Object.entries(codeFiles(file)).map(([name, digest]) => [named(resolve(folder, name)), digest])
  const data = inputs.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    return found === undefined ? [] : [[named(resolve(path)), `${found.size} ${found.mtimeMs}`]]
  })
  return Object.fromEntries([...code, ...data])
}

/**
 * Waits until files differ from `before` and no longer change: an editor may write in several steps. Returns undefined
 * if the command is to stop.
 */
async function nextSave(
  file: string,
  inputs: readonly string[],
  before: Snapshot,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  let last = before
  while (!signal.aborted) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)
    const now = snapshot(file, inputs)
    const isStill = changedFiles(last, now).length === 0
    const changed = changedFiles(before, now)
    if (isStill && changed.length > 0) return changed
    last = now
  }
  return undefined
}

/** Starts the same command line in another process, which writes to this process's terminal. */
function started(file: string, flags: RunFlags): ChildProcess {
  const more = [...(flags.json ? ['--json'] : []), ...(flags.verbose ? ['--verbose'] : [])]
  const args = [...process.execArgv, process.argv[1]!, ...freshArguments(file, flags), ...more]
  return spawn(process.execPath, args, { stdio: 'inherit' })
}

function once(run: ChildProcess): Promise<true> {
  return new Promise((resolve, reject) => {
    run.once('error', reject)
    run.once('exit', () => resolve(true))
  })
}

async function stopped(run: ChildProcess, ended: Promise<true>): Promise<void> {
  if (run.exitCode === null && run.signalCode === null) run.kill('SIGTERM')
  const late = setTimeout(() => run.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(late)
}
