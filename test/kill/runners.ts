import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { World } from './world.js'

const CLI = fileURLToPath(new URL('../../lib/dev/cli/main.ts', import.meta.url))
const PIPELINE = fileURLToPath(new URL('./pipeline.ts', import.meta.url))
const STOP_MS_MAX = 30_000

/** One `millrace dev` process, replaced when it is gone. */
export class Runner {
  readonly name: string
  /** Exits that nobody asked for. */
  readonly crashes: string[] = []
  /** Starts that ended with a sentence, as the broker was away. */
  refusals = 0
  isStopped = false
  private child: ChildProcess
  private readonly world: World
  private readonly logFile: string
  private expected = false
  private stopping: Promise<number | null> | undefined
  /** Of each that was started: its end, when its last line is in the log. */
  private readonly ends: Promise<unknown>[] = []

  constructor(name: string, world: World) {
    this.name = name
    this.world = world
    this.logFile = join(world.folder, 'runners.log')
    this.child = this.start()
  }

  private start(): ChildProcess {
    this.expected = false
    const flags = ['--state', 'dynamodb:kill', '--batch', '300', '--tick', '1000', '--timeout', '6000', '--verbose']
    const child = spawn(process.execPath, ['--import', 'tsx', CLI, 'dev', PIPELINE, ...flags], {
      env: { ...process.env, ...this.world.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (bytes: Buffer) => appendFileSync(this.logFile, bytes))
    this.ends.push(new Promise((resolve) => child.once('close', resolve)))
    child.on('exit', (code, signal) => {
      if (this.expected || child !== this.child) return
      if (code === 1 && this.world.lacksBroker) this.refusals++
      else this.crashes.push(`${this.name} ended with ${code ?? signal}`)
      this.child = this.start()
    })
    return child
  }

  /** Ends it in the middle of whatever it does; another takes its place. */
  kill(): void {
    const { child } = this
    this.child = this.start()
    this.isStopped = false
    child.kill('SIGKILL')
  }

  /** It stops as it stands, and goes on later as a zombie that does not know what became of its work. */
  freeze(): void {
    this.isStopped = this.child.kill('SIGSTOP')
  }

  thaw(): void {
    this.child.kill('SIGCONT')
    this.isStopped = false
  }

  /** Ends it as Ctrl-C does, waits for those too that were killed before, and returns its exit code. */
  async stop(): Promise<number | null> {
    this.stopping ??= this.end().finally(() => {
      this.stopping = undefined
    })
    return await this.stopping
  }

  private async end(): Promise<number | null> {
    this.expected = true
    const { child } = this
    if (child.exitCode === null && child.signalCode === null) {
      if (this.isStopped) this.thaw()
      child.kill('SIGTERM')
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await Promise.all(this.ends.splice(0))
    clearTimeout(timer)
    return child.exitCode
  }

  /** Ends it in order and starts another, once: a second wish meanwhile is that of the first. */
  async restart(): Promise<number | null> {
    if (this.stopping !== undefined) return 0
    const { child } = this
    const code = await this.stop()
    // Killed meanwhile, another has taken its place.
    if (child === this.child) this.child = this.start()
    return code
  }
}
