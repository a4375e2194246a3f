import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from '../base/index.js'
import { type CodeFiles, changedFiles } from './code-files.js'

/** What a run's state hangs on besides its graph: continuing it with other input would mix two logs. */
export interface RunInputs {
  readonly pipeline: string
  readonly splits: number
  readonly inputs: Readonly<Record<string, readonly { readonly file: string; readonly bytes: number }[]>>
}

export function runInputs(
  pipeline: string,
  splits: number,
  inputs: Readonly<Record<string, readonly string[]>>,
): RunInputs {
  const sized = Object.entries(inputs).map(([source, files]) => [
    source,
    files.map((file) => ({ file: resolve(file), bytes: statSync(file).size })),
  ])
  return { pipeline, splits, inputs: Object.fromEntries(sized) }
}

/** Locks that this process holds. */
const held = new Set<string>()

/**
 * The folder of results: parts in `.parts`, one readable file a sink beside it. Only one run may write to it at a time.
 * Parts belong to the state that made them, so a state that starts anew starts its parts anew.
 */
export class Workspace {
  readonly out: string
  private readonly lock: string
  private held: number | undefined

  constructor(out: string) {
    this.out = resolve(out)
    this.lock = join(this.out, '.lock')
  }

  parts(sink: string): string {
    return join(this.out, '.parts', sink)
  }

  file(sink: string): string {
    return join(this.out, `${sink}.ndjson`)
  }

  /** Takes the folder, or says who has it. A lock whose process is gone is taken over. */
  acquire(): void {
    try {
      mkdirSync(this.out, { recursive: true })
    } catch (error) {
      throw new ConfigError('bad-out', `The output folder ${this.out} cannot be made: ${(error as Error).message}`)
    }
    const owner = existsSync(this.lock) ? Number(readFileSync(this.lock, 'utf8')) : 0
    // In a container every process may have the same pid: a lock of our own pid is ours only if we hold it.
    if (held.has(this.lock) || (owner > 0 && owner !== process.pid && isAlive(owner))) {
      throw new ConfigError(
        'out-in-use',
        `The output folder ${this.out} is in use by ${held.has(this.lock) ? 'another run of this process' : `process ${owner}`}. Wait for it, or give another --out.`,
      )
    }
    this.held = openSync(this.lock, 'w')
    writeSync(this.held, String(process.pid))
    held.add(this.lock)
  }

  release(): void {
    if (this.held === undefined) return
    closeSync(this.held)
    held.delete(this.lock)
    this.held = undefined
    rmSync(this.lock, { force: true })
  }

  /** Notes what a new run is made of; of one that goes on, the files that have changed since it began. */
  changedSince(code: CodeFiles, resumes: boolean): string[] {
    const file = join(this.out, '.parts', 'code.json')
    if (!resumes) writeWhole(file, JSON.stringify(code))
    // A run that was begun without it cannot be compared.
    return existsSync(file) ? changedFiles(JSON.parse(readFileSync(file, 'utf8')) as CodeFiles, code) : []
  }

  /** Whether parts here were made by the run that goes on, by what it was given. */
  check(expected: RunInputs, resumes: boolean): void {
    const folder = join(this.out, '.parts')
    const file = join(folder, 'run.json')
    if (!resumes) {
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(folder, { recursive: true })
      writeWhole(file, JSON.stringify(expected))
      return
    }
    const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined
    if (before === undefined) {
      throw new ConfigError(
        'no-parts',
        `The state goes on from an earlier run, but ${this.out} does not hold that run's results. Give the same --out, or --fresh to start over.`,
      )
    }
    if (before === JSON.stringify(expected)) return
    throw new ConfigError(
      'other-input',
      `The state of this run belongs to other input: ${differenceOf(parsed(before, file), expected)}. Use the same --input and --splits to go on, or --fresh to start over.`,
    )
  }
}

/** Whole or not at all: a run that is killed here has to be able to go on. */
function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text)
  renameSync(`${file}.tmp`, file)
}

function parsed(text: string, file: string): RunInputs {
  try {
    return JSON.parse(text) as RunInputs
  } catch {
    throw new ConfigError(
      'bad-parts',
      `${file} is damaged: what its run was given cannot be told. Use --fresh to start over.`,
    )
  }
}

function differenceOf(before: RunInputs, now: RunInputs): string {
  if (before.pipeline !== now.pipeline) return `pipeline ${before.pipeline}, not ${now.pipeline}`
  if (before.splits !== now.splits) return `${before.splits} splits a source, not ${now.splits}`
  const text = (inputs: RunInputs['inputs']): string =>
    Object.entries(inputs)
      .map(([source, files]) => `${source}=${files.map(({ file, bytes }) => `${file} (${bytes} bytes)`).join('+')}`)
      .join(', ')
  return `${text(before.inputs)}, not ${text(now.inputs)}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
