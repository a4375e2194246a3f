import { ConfigError, checkOptions } from '../base/index.js'
import { type Pipeline, plan } from '../pipeline/index.js'
import type { Logger } from '../ports/index.js'
import type { DynamoDBStoreOptions } from '../state/dynamodb/index.js'
import { checkInput } from './input/lines.js'
import { defaultState, parseState, type StateChoice } from './state-choice.js'
import type { Status } from './status.js'

export interface RunOptions {
  /** Files of each source, by its name. */
  readonly inputs: Readonly<Record<string, readonly string[]>>
  /** Splits a source. Default 4 where every source has a partitionKey, else 1. */
  readonly splits?: number
  /** Records a batch, 1 to 10,000. Default 1,000. */
  readonly batch?: number
  /** `memory`, `lmdb:DIRECTORY` or `dynamodb:TABLE`. Default `lmdb:.millrace/NAME/state`. */
  readonly state?: string
  /** Where the table is, if state is in one. */
  readonly dynamodb?: DynamoDBStoreOptions
  /** Where results go. Default `.millrace/NAME/out`. */
  readonly out?: string
  /** Injects faults from this seed. */
  readonly chaos?: number
  /** Forgets earlier state and results. */
  readonly fresh?: boolean
  /**
   * The pipeline's file. Where results that are there were begun with other code, `onStale` is told so before anything
   * else.
   */
  readonly code?: string
  readonly onStale?: (stale: Stale) => void
  readonly logger?: Logger
  /** Called about four times a second, and at the end. */
  readonly onProgress?: (progress: Progress) => void
  /** Ends the run early and in order: what is delivered is checkpointed. */
  readonly signal?: AbortSignal
}

export interface Progress {
  /** Records that this process has delivered. */
  readonly delivered: number
  readonly perSecond: number
  readonly status: Status
  /** Of an input that ends: records that are done, those of earlier runs too. */
  readonly done?: number
  /** How many there are, once the input is read to its end. */
  readonly total?: number
  /** How much of the input is done, from 0 to 1: by its bytes until the total is known. */
  readonly share?: number
}

/** Results of other code than that of now. */
export interface Stale {
  /** Files that are not as they were when the run began, by their path from the pipeline's folder. */
  readonly changed: readonly string[]
  /** Nothing is left to do: all that is shown is of the other code. */
  readonly complete: boolean
}

/** What was asked for, with what was not said filled in. */
export interface Settled {
  readonly splits: number
  readonly batch: number
  readonly state: StateChoice
  readonly out: string
}

/** Checks what was asked for, before anything is opened. */
export function settle(pipeline: Pipeline, options: RunOptions): Settled {
  checkOptions('run()', options, {
    inputs: true,
    splits: true,
    batch: true,
    state: true,
    dynamodb: true,
    out: true,
    chaos: true,
    fresh: true,
    code: true,
    onStale: true,
    logger: true,
    onProgress: true,
    signal: true,
  })
  const { sources } = plan(pipeline)
  for (const name of Object.keys(options.inputs)) {
    if (sources.some((source) => source.name === name)) continue
    throw new ConfigError(
      'unknown-source',
      `--input names the source "${name}"; pipeline "${pipeline.name}" has ${sources.map((source) => source.name).join(', ')}.`,
    )
  }
  for (const source of sources) {
    const files = options.inputs[source.name]
    if (files === undefined || files.length === 0)
      throw new ConfigError('no-input', `The source "${source.name}" has no input. Add --input ${source.name}=FILE.`)
    for (const file of files) checkInput(file)
  }
  const splits = options.splits ?? (sources.every((source) => source.partitionKey !== undefined) ? 4 : 1)
  const batch = options.batch ?? 1000
  if (!Number.isSafeInteger(splits) || splits < 1 || splits > 256)
    throw new ConfigError('bad-splits', `--splits is a whole number from 1 to 256; it is ${splits}.`)
  if (!Number.isSafeInteger(batch) || batch < 1 || batch > 10_000)
    throw new ConfigError(
      'bad-batch',
      `--batch is a whole number from 1 to 10000, the most that a mapping takes; it is ${batch}.`,
    )
  return {
    splits,
    batch,
    state: parseState(options.state ?? defaultState(pipeline.name)),
    out: options.out ?? `.millrace/${pipeline.name}/out`,
  }
}
