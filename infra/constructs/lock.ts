import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { ConfigError, messageOf } from '../../lib/base/index.js'
import { difference, type Manifest, manifest, type Plan } from '../../lib/pipeline/index.js'

/** The content of a lock file: the graph under which state was written, and the run. */
interface Lock {
  readonly run: number
  readonly manifest: Manifest
}

/**
 * Compares a pipeline with the deployed graph. Returns a function that writes the lock file after all other checks
 * passed: it creates a missing file, and replaces one of an older run.
 * @throws {ConfigError} `graph-changed`, with the first difference and the fix
 */
export function checkLock(file: string, plan: Plan, run: number): () => void {
  const now: Lock = { run, manifest: JSON.parse(JSON.stringify(manifest(plan))) }
  const before = existsSync(file) ? lockIn(file) : undefined
  if (before !== undefined && before.run > run)
    throw new ConfigError(
      'old-run',
      `${file} belongs to run ${before.run}, and the stack has run ${run}. Give the deployed run, or a newer one. If run ${before.run} was synthesized but never deployed, restore the file.`,
    )
  const change = before === undefined || before.run < run ? undefined : difference(before.manifest, now.manifest)
  if (change !== undefined)
    throw new ConfigError(
      'graph-changed',
      `The graph of "${plan.pipeline.name}" differs from the one in ${file}: ${change}. The state of run ${run} would be refused. Revert the change, or open a new run with run: ${run + 1}. Delete the file if its graph was never deployed.`,
    )
  return () => writeFileSync(file, `${JSON.stringify(now, undefined, 2)}\n`)
}

function lockIn(file: string): Lock {
  try {
    const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock
    if (Number.isSafeInteger(lock.run) && Array.isArray(lock.manifest?.nodes)) return lock
  } catch (error) {
    throw new ConfigError('bad-lock', `${file} cannot be read: ${messageOf(error)}`)
  }
  throw new ConfigError(
    'bad-lock',
    `${file} does not hold a graph. Restore it, or delete it if nothing was ever deployed.`,
  )
}
