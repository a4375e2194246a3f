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

  /** Ends it as Ctrl-C does, and returns its exit code. */
  async stop(): Promise<number | null> {
    this.expected = true
    const { child } = this
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    if (this.isStopped) this.thaw()
    return await new Promise((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      child.on('exit', (code) => {
        clearTimeout(timer)
        resolve(code)
      })
      child.kill('SIGTERM')
    })
  }

  /** Ends it in order and starts another. */
  async restart(): Promise<number | null> {
    const code = await this.stop()
    this.child = this.start()
    return code
  }
}
