import { adviceOf, type Pipeline, plan } from '../../pipeline/index.js'
import type { Io } from './io.js'

/** Says on the terminal what works as it is written, and is hardly what was meant. */
export function warn(pipeline: Pipeline, io: Io): void {
  for (const { text } of adviceOf(plan(pipeline))) io.stderr.write(`warning: ${text}\n`)
}
