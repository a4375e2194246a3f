import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach } from 'vitest'
import { type FunctionOptions, LambdaFunction } from '../../lib/dev/lambda/function.js'
import { testFolder } from '../dev/folders.js'

/** What a test file makes functions with: each handler in a folder of its own, each function closed after its test. */
export function functionMaker(name: string) {
  const folder = testFolder(name)
  const open = new Set<LambdaFunction>()
  let made = 0
  afterEach(async () => {
    await Promise.all([...open].map((made) => made.close()))
    open.clear()
  })

  /** A folder with a handler, given as the text of its module. */
  function write(module: string, file = 'index.mjs'): string {
    const taskRoot = folder(`task-${made++}`)
    mkdirSync(taskRoot)
    writeFileSync(`${taskRoot}/${file}`, module)
    return taskRoot
  }

  function make(module: string, options: Partial<FunctionOptions> = {}): LambdaFunction {
    const made = new LambdaFunction({ name: 'f', taskRoot: write(module), memoryMb: 256, ...options })
    open.add(made)
    return made
  }

  return { folder, write, make }
}

/** Waits until something holds; the test's timeout is the limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // Whoever inherits a dead process may not have taken note of it yet.
  return stateOf(pid) !== 'Z'
}

/** Stands still by a signal, as far as this machine can tell. */
export const isStopped = (pid: number): boolean => (stateOf(pid) ?? 'T') === 'T'

/** As /proc has it; undefined where there is none. */
function stateOf(pid: number): string | undefined {
  const stat = `/proc/${pid}/stat`
  return existsSync(stat) ? /\) (.)/.exec(readFileSync(stat, 'utf8'))?.[1] : undefined
}
