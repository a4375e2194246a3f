import { adviceOf, type Pipeline, plan } from '../../pipeline/index.js'
import type { Io } from './io.js'

/** Prints a warning for each part of a pipeline that is valid but probably unintended. */
export function warn(pipeline: Pipeline, io: Io): void {
  for (const { text } of adviceOf(plan(pipeline))) io.stderr.write(`warning: ${text}\n`)
}
