import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { ConfigError, messageOf } from '../../lib/base/index.js'
import { difference, type Manifest, manifest, type Plan } from '../../lib/pipeline/index.js'

/** What a lock file holds: the graph that state was written under, and the run. */
interface Lock {
  readonly run: number
  readonly manifest: Manifest
}

/**
 * Holds a pipeline against the graph that is deployed. What it returns writes the file once all else holds too: one
 * that is not there is made, one of an older run is written anew.
 * @throws {ConfigError} `graph-changed` with the first difference, and what to do
 */
export function checkLock(file: string, plan: Plan, run: number): () => void {
  const now: Lock = { run, manifest: JSON.parse(JSON.stringify(manifest(plan))) }
  const before = existsSync(file) ? lockIn(file) : undefined
  if (before !== undefined && before.run > run)
    throw new ConfigError(
      'old-run',
      `${file} is of run ${before.run}, and the stack opens run ${run}. Give the run that is deployed, or a newer one; if run ${before.run} was synthesized and never deployed, restore the file.`,
    )
  const change = before === undefined || before.run < run ? undefined : difference(before.manifest, now.manifest)
  if (change !== undefined)
    throw new ConfigError(
      'graph-changed',
      `The graph of "${plan.pipeline.name}" is not the one of ${file}: ${change}. The state of run ${run} would be refused. Take the change back, or open a new run with run: ${run + 1}; delete the file if nothing of it was ever deployed.`,
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
  throw new ConfigError('bad-lock', `${file} holds no graph. Restore it, or delete it if nothing was ever deployed.`)
}
