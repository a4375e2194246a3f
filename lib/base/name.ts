import { ConfigError, shown } from './errors.js'
import { NAME_LENGTH_MAX } from './limits.js'

const SHAPE = /^[A-Za-z][A-Za-z0-9._-]*$/

/**
 * Checks the name of a pipeline, source, operator or sink. Names are permanent: they are part of keys, files and
 * metrics.
 */
export function checkName(what: string, name: unknown): string {
  if (typeof name === 'string' && name.length <= NAME_LENGTH_MAX && SHAPE.test(name)) return name
  throw new ConfigError(
    'bad-name',
    `The name of a ${what} must have 1 to ${NAME_LENGTH_MAX} letters, digits, '.', '_' or '-', and start with a letter; it is ${shown(name)}.`,
  )
}

/**
 * The prefix of the keys of a run in a state table. Pipelines may share a table, and the runs of a pipeline are
 * numbered.
 */
export function runPrefix(pipeline: string, run: number): string {
  return `${pipeline}.${run}`
}
