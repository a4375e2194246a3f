import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { MillraceError } from '../../base/index.js'

/** A server process of ours. */
export interface Daemon {
  readonly pid: number
  /** Ends the process and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** What it has written, the last part of it. */
  log(): string
}

export interface DaemonOptions {
  readonly name: string
  readonly command: readonly string[]
  /** Takes what the process writes, both streams. */
  readonly logFile: string
  /** Matches the log once the service answers. */
  readonly ready: RegExp
  /** Called with the pid as soon as a detached process runs. */
  readonly onSpawn?: (pid: number) => void
  /**
   * Outlives this process, as `millrace services up` needs it. Else it ends with this process, even if that is killed.
   */
  readonly detached: boolean
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

const READY_MS_MAX = 60_000
const STOP_MS_MAX = 15_000
const LOOK_MS = 25

/**
 * Runs its arguments and prints the pid. Ends with its stdin, which the parent holds: so the server is gone even if the
 * parent was killed.
 */
const TETHER = '"$@" </dev/null & p=$!; echo "pid $p"; cat >/dev/null; kill -9 $p 2>/dev/null; wait $p'

/** Starts a server and waits until its log says that it is ready. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  writeFileSync(options.logFile, '')
  const log = openSync(options.logFile, 'a')
  const env = { ...process.env, ...options.env }
  const [command, ...args] = options.detached
    ? options.command
    : ['sh', '-c', `exec 3>&1; (${TETHER.replace('echo', 'echo >&3')}) 2>&1`, 'sh', ...options.command]
  const child = spawn(command!, args, {
    cwd: options.cwd,
    env,
    detached: options.detached,
    stdio: options.detached ? ['ignore', log, log] : ['pipe', log, log],
  })
  closeSync(log)
  if (options.detached && child.pid !== undefined) options.onSpawn?.(child.pid)
  let failed: Error | undefined
  child.on('error', (error) => {
    failed = error
  })
  const written = (): string => readFileSync(options.logFile, 'utf8')
  const isOver = (): boolean => failed !== undefined || child.exitCode !== null || child.signalCode !== null
  const until = performance.now() + READY_MS_MAX
  while (!options.ready.test(written())) {
    if (isOver() || performance.now() > until) {
      child.stdin?.end()
      if (options.detached && child.pid !== undefined) kill(child.pid, 'SIGKILL')
      const why = failed?.message ?? (isOver() ? `it ended with ${child.exitCode ?? child.signalCode}` : 'it is silent')
      throw new MillraceError(
        'no-service',
        `${options.name} did not start (${why}). The end of ${options.logFile}: ${written().slice(-1500)}`,
      )
    }
    await sleep(LOOK_MS)
  }
  const pid = options.detached ? child.pid! : Number(/^pid (\d+)$/m.exec(written())![1])
  child.unref()
  // The pipe holds the tether; it must not hold this process.
  ;(child.stdin as { unref?(): void } | null)?.unref?.()
  return {
    pid,
    log: () => written().slice(-100_000),
    async stop(signal = 'SIGKILL') {
      await stopProcess(pid, signal)
      child.stdin?.end()
    },
  }
}

/** Ends a process and waits until it is gone; killed after `STOP_MS_MAX` if it does not go. */
export async function stopProcess(pid: number, signal: NodeJS.Signals): Promise<void> {
  kill(pid, signal)
  const until = performance.now() + STOP_MS_MAX
  while (isAlive(pid)) {
    if (performance.now() > until) kill(pid, 'SIGKILL')
    await sleep(LOOK_MS)
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Whether a process runs. One that has ended and waits for its parent to take note counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

/** A port of the loopback interface that nobody listens on now. */
export function freePort(): Promise<number> {
  return listenOnce(0)
}

export async function isFree(port: number): Promise<boolean> {
  return await listenOnce(port).then(
    () => true,
    () => false,
  )
}

/** Listens on a port, 0 for any, and lets go of it. */
function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const { port: found } = server.address() as { port: number }
      server.close(() => resolve(found))
    })
  })
}
