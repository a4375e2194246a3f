import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'

/**
 * Reads which processes start and end. At the end of its input, for whatever reason, it kills the processes that are
 * left, frozen or not.
 */
const SCRIPT = `trap '' INT TERM HUP
pids=' '
while read -r what pid; do
  case "$what" in
    start) pids="$pids$pid " ;;
    end) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -9 "$pid"; done`

/**
 * A small process that outlives this one briefly and kills its child processes, even if this process is killed. A
 * frozen process cannot end by itself: only SIGKILL reaches it.
 */
export class Watchdog {
  private readonly child: ChildProcess
  private readonly input: Writable
  private readonly gone: Promise<void>

  constructor() {
    // The process has a session of its own: a signal that a terminal sends to a whole process group must not end it
    // first.
    this.child = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    this.input = this.child.stdin!
    this.input.on('error', () => undefined)
    this.gone = new Promise((resolve) => {
      this.child.once('exit', () => resolve())
      this.child.once('error', () => resolve())
    })
    this.child.unref()
    ;(this.input as Writable & { unref?(): void }).unref?.()
  }

  started(pid: number): void {
    this.input.write(`start ${pid}\n`)
  }

  ended(pid: number): void {
    if (this.input.writable) this.input.write(`end ${pid}\n`)
  }

  async close(): Promise<void> {
    this.child.ref()
    this.input.end()
    await this.gone
  }
}
