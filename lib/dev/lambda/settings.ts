import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError, shown } from '../../base/index.js'
import { BOOTSTRAP, type Runtime } from './bootstrap.js'

/** A line that a function wrote. */
export interface LogLine {
  readonly stream: 'stdout' | 'stderr'
  readonly pid: number
  readonly text: string
}

export interface FunctionOptions {
  /** 1 to 64 letters, digits, - and _. */
  readonly name: string
  /** The folder that contains the handler's module: LAMBDA_TASK_ROOT. */
  readonly taskRoot: string
  /** Module and export. Default `index.handler`. */
  readonly handler?: string
  /** Memory in MB, 128 to 10,240. Default 1,024. The heap may use nine tenths of it. */
  readonly memoryMb?: number
  /** Timeout in ms, 1 to 900,000. Default 60,000. */
  readonly timeoutMs?: number
  /** Maximum number of concurrent environments, 1 to 1,000. Default 10. Further invocations are throttled. */
  readonly concurrency?: number
  /** Environment variables of the function. Of the variables of this process, it sees only PATH. */
  readonly env?: Readonly<Record<string, string>>
  /** Default `us-east-1`. */
  readonly region?: string
  /** The working directory of its processes. Default: the task root, as on Lambda. */
  readonly directory?: string
  /** A runtime other than the emulator's own. It reads the variables that Lambda sets, including _HANDLER. */
  readonly runtime?: Runtime
  /** Called with each line that the function writes. */
  readonly onLine?: (line: LogLine) => void
}

export type Settings = Required<FunctionOptions>

const MEMORY_MB = { min: 128, max: 10_240 }
/** Variables that Lambda sets itself. */
const RESERVED = /^(AWS_LAMBDA_.*|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|LAMBDA_TASK_ROOT|_HANDLER)$/
const TIMEOUT_MS = { min: 1, max: 900_000 }
const CONCURRENCY = { min: 1, max: 1_000 }

/** Checks the options of a function, and fills in the defaults. */
export function settingsOf(options: FunctionOptions): Settings {
  const { name } = options
  if (process.platform === 'win32') {
    throw new ConfigError(
      'no-signals',
      'Functions are frozen with SIGSTOP, which Windows does not have. Run this on Linux or macOS.',
    )
  }
  if (!/^[a-zA-Z0-9-_]{1,64}$/.test(name))
    throw new ConfigError(
      'bad-function',
      `The name of a function must have 1 to 64 letters, digits, - and _; it is ${shown(name)}.`,
    )
  const settings: Settings = {
    handler: 'index.handler',
    memoryMb: 1_024,
    timeoutMs: 60_000,
    concurrency: 10,
    env: {},
    region: 'us-east-1',
    runtime: BOOTSTRAP,
    onLine: () => undefined,
    ...options,
    taskRoot: resolve(options.taskRoot),
    directory: resolve(options.directory ?? options.taskRoot),
  }
  checkRange(name, 'memoryMb', settings.memoryMb, MEMORY_MB)
  checkRange(name, 'timeoutMs', settings.timeoutMs, TIMEOUT_MS)
  checkRange(name, 'concurrency', settings.concurrency, CONCURRENCY)
  for (const variable of Object.keys(settings.env)) {
    if (!RESERVED.test(variable)) continue
    throw new ConfigError(
      'bad-function',
      `Lambda sets ${variable} itself, so the env of the function "${name}" must not. Remove it.`,
    )
  }
  for (const folder of [settings.taskRoot, settings.directory]) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue
    throw new ConfigError(
      'bad-function',
      `The function "${name}" runs in a folder, but ${shown(folder)} is not one. Bundle the function into it first.`,
    )
  }
  return settings
}

function checkRange(name: string, option: string, value: number, { min, max }: { min: number; max: number }): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new ConfigError(
    'bad-function',
    `${option} of the function "${name}" must be a whole number from ${min} to ${max}; it is ${shown(value)}.`,
  )
}
