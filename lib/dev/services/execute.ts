import { spawn } from 'node:child_process'
import { ConfigError } from '../../base/index.js'

/** Waits for a command that has to succeed; `what` begins the error message if it fails. */
export async function must(run: Promise<Executed>, what: string): Promise<void> {
  const { code, output } = await run
  if (code !== 0)
    throw new ConfigError('failed-command', `${what}: ${output.trim().slice(-600) || `exit code ${code}`}`)
}

export interface Executed {
  readonly code: number | null
  readonly output: string
}

/** Runs a command to its end, and keeps the end of its output. */
export function execute(command: string, args: readonly string[], cwd?: string): Promise<Executed> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (bytes: Buffer): void => {
      output = (output + bytes).slice(-4000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => resolve({ code: -1, output: error.message }))
    child.on('close', (code) => resolve({ code, output }))
  })
}
