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

/** What a run's state depends on besides its graph: resuming it with other input would mix two logs. */
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
 * The folder of results: parts in `.parts`, and one readable file per sink beside it. Only one run may write to it at a
 * time. Parts belong to the state that created them, so new state starts with new parts.
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

  /** Locks the folder, or throws an error that names its owner. The lock of a process that has ended is taken over. */
  acquire(): void {
    try {
      mkdirSync(this.out, { recursive: true })
    } catch (error) {
      throw new ConfigError('bad-out', `The output folder ${this.out} cannot be created: ${(error as Error).message}`)
    }
    const owner = existsSync(this.lock) ? Number(readFileSync(this.lock, 'utf8')) : 0
    // In a container every process may have the same pid: a lock with the pid of this process counts only if this
    // process holds it.
    if (held.has(this.lock) || (owner > 0 && owner !== process.pid && isAlive(owner))) {
      throw new ConfigError(
        'out-in-use',
        `The output folder ${this.out} is in use by ${held.has(this.lock) ? 'another run of this process' : `process ${owner}`}. Wait for it to finish, or give another --out.`,
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

  /** Records the code of a new run. For a resumed run, returns the files that have changed since it began. */
  changedSince(code: CodeFiles, resumes: boolean): string[] {
    const file = join(this.out, '.parts', 'code.json')
    if (!resumes) writeWhole(file, JSON.stringify(code))
    // A run that began without this file cannot be compared.
    return existsSync(file) ? changedFiles(JSON.parse(readFileSync(file, 'utf8')) as CodeFiles, code) : []
  }

  /** Checks that the existing parts were created by the resumed run with the same input. */
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
        `The state belongs to an earlier run, but ${this.out} does not contain that run's results. Give the same --out, or --fresh to start over.`,
      )
    }
    if (before === JSON.stringify(expected)) return
    throw new ConfigError(
      'other-input',
      `The state of this run belongs to other input: ${differenceOf(parsed(before, file), expected)}. Use the same --input and --splits to resume, or --fresh to start over.`,
    )
  }
}

/** Writes the file atomically: a run that is killed here must be able to resume. */
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
      `${file} is damaged, so the input of its run is unknown. Use --fresh to start over.`,
    )
  }
}

function differenceOf(before: RunInputs, now: RunInputs): string {
  if (before.pipeline !== now.pipeline) return `pipeline ${before.pipeline}, not ${now.pipeline}`
  if (before.splits !== now.splits) return `${before.splits} splits per source, not ${now.splits}`
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
