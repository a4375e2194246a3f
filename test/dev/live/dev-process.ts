import { type ChildProcess, spawn } from 'node:child_process'
import { built } from '../../services/built.js'

/** A `millrace` command in a process of its own, which goes on until it is stopped. */
export class LiveProcess {
  out = ''
  err = ''
  private readonly child: ChildProcess
  private readonly ended: Promise<number | null>

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [built('lib/dev/cli/main.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout!.on('data', (chunk) => {
      this.out += String(chunk)
    })
    this.child.stderr!.on('data', (chunk) => {
      this.err += String(chunk)
    })
    this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)))
  }

  /** Its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    this.child.kill(signal)
    return await this.ended
  }
}

/** Ends what hangs, before the test's own guard does, which would not say what was waited for. */
const HANG_MS = 5 * 60_000

/**
 * Asks until the answer is true; what it was the last time is in the error. Who asks what costs much leaves time
 * between.
 */
export async function until(what: string, ask: () => Promise<unknown> | unknown, pauseMs = 100): Promise<void> {
  const end = performance.now() + HANG_MS
  let last: unknown
  while (performance.now() < end) {
    last = await ask()
    if (last === true) return
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  throw new Error(`Not within ${HANG_MS} ms: ${what}. The last answer: ${JSON.stringify(last)}`)
}
