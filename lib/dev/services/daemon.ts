import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { MillraceError } from '../../base/index.js'

/** A server process that this package started. */
export interface Daemon {
  readonly pid: number
  /** Ends the process and waits until it has exited. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** The end of what it has written. */
  log(): string
}

export interface DaemonOptions {
  readonly name: string
  readonly command: readonly string[]
  /** The file that receives both output streams of the process. */
  readonly logFile: string
  /** Matches the log once the service answers. */
  readonly ready: RegExp
  /** Called with the pid as soon as a detached process runs. */
  readonly onSpawn?: (pid: number) => void
  /**
   * Whether the process outlives this one, as `millrace services up` needs it. Otherwise it ends with this process,
   * even if that is killed.
   */
  readonly detached: boolean
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

const READY_MS_MAX = 60_000
const STOP_MS_MAX = 15_000
const LOOK_MS = 25

/**
 * A shell script that runs its arguments and prints the pid. It ends with its stdin, which the parent holds open, so
 * that the server ends even if the parent is killed.
 */
const TETHER = '"$@" </dev/null & p=$!; echo "pid $p"; cat >/dev/null; kill -9 $p 2>/dev/null; wait $p'

/** Starts a server and waits until its log shows that it is ready. */
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
      const why =
        failed?.message ??
        (isOver() ? `it ended with ${child.exitCode ?? child.signalCode}` : 'it did not become ready in time')
      throw new MillraceError(
        'no-service',
        `${options.name} did not start (${why}). The end of ${options.logFile}: ${written().slice(-1500)}`,
      )
    }
    await sleep(LOOK_MS)
  }
  const pid = options.detached ? child.pid! : Number(/^pid (\d+)$/m.exec(written())![1])
  child.unref()
  // The pipe keeps the tether alive, but must not keep this process alive.
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

/** Ends a process and waits until it has exited. After `STOP_MS_MAX` it is killed. */
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

/** Whether a process runs. A zombie that waits for its parent counts as exited. */
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

/**
 * The ports to choose from. They lie below those that operating systems give to outgoing connections (Linux: from
 * 32768; macOS, Windows: from 49152), so no connection takes one between the choice and the start of a service.
 */
const PORT_MIN = 10_000
const PORT_MAX = 32_000
const PORT_TURNS_MAX = 100
const chosen = new Set<number>()

/** A port of the loopback interface on which no process listens now, and that this process has not chosen before. */
export async function freePort(): Promise<number> {
  for (let turn = 0; turn < PORT_TURNS_MAX; turn++) {
    const port = randomInt(PORT_MIN, PORT_MAX)
    if (chosen.has(port) || !(await isFree(port))) continue
    chosen.add(port)
    return port
  }
  throw new MillraceError(
    'no-service',
    `No free port was found in ${PORT_TURNS_MAX} tries from ${PORT_MIN} to ${PORT_MAX}.`,
  )
}

export async function isFree(port: number): Promise<boolean> {
  return await listenOnce(port).then(
    () => true,
    () => false,
  )
}

/** Listens on a port, and closes it again. */
function listenOnce(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()))
  })
}
