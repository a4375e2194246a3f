import { ConfigError, shown } from './errors.js'
import { NAME_LENGTH_MAX } from './limits.js'

const SHAPE = /^[A-Za-z][A-Za-z0-9._-]*$/

/** Checks the name of a pipeline, source, operator or sink: it is part of keys, files and metrics for ever. */
export function checkName(what: string, name: unknown): string {
  if (typeof name === 'string' && name.length <= NAME_LENGTH_MAX && SHAPE.test(name)) return name
  throw new ConfigError(
    'bad-name',
    `The name of a ${what} is 1 to ${NAME_LENGTH_MAX} letters, digits, '.', '_' or '-', and starts with a letter; it is ${shown(name)}.`,
  )
}

/** The namespace of a run in a table of state: pipelines may share one, and runs of one pipeline are numbered. */
export function runPrefix(pipeline: string, run: number): string {
  return `${pipeline}.${run}`
}
