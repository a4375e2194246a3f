import { ConfigError, checkOptions } from '../base/index.js'
import { type Pipeline, plan } from '../pipeline/index.js'
import type { Logger } from '../ports/index.js'
import type { DynamoDBStoreOptions } from '../state/dynamodb/index.js'
import type { Status } from '../testing/status.js'
import { checkInput } from './input/lines.js'
import { defaultState, parseState, type StateChoice } from './state-choice.js'

export interface RunOptions {
  /** The files of each source, by its name. */
  readonly inputs: Readonly<Record<string, readonly string[]>>
  /** Splits per source. Default: 4 if every source has a partitionKey, otherwise 1. */
  readonly splits?: number
  /** Maximum records per batch, 1 to 10,000. Default 1,000. */
  readonly batch?: number
  /** `memory`, `lmdb:DIRECTORY` or `dynamodb:TABLE`. Default `lmdb:.millrace/NAME/state`. */
  readonly state?: string
  /** The connection to the table, if state is in one. */
  readonly dynamodb?: DynamoDBStoreOptions
  /** Where results are written. Default `.millrace/NAME/out`. */
  readonly out?: string
  /** Injects faults from this seed. */
  readonly chaos?: number
  /** Deletes earlier state and results first. */
  readonly fresh?: boolean
  /** The pipeline's file. If existing results were begun with other code, `onStale` is called before anything else. */
  readonly code?: string
  readonly onStale?: (stale: Stale) => void
  readonly logger?: Logger
  /** Called about four times per second, and at the end. */
  readonly onProgress?: (progress: Progress) => void
  /** Ends the run early and in order: delivered records are checkpointed. */
  readonly signal?: AbortSignal
}

export interface Progress {
  /** Records that this process has delivered. */
  readonly delivered: number
  readonly perSecond: number
  readonly status: Status
  /** For an input with an end: records that are processed, including those of earlier runs. */
  readonly done?: number
  /** The number of records in total, once the input is read to its end. */
  readonly total?: number
  /** The share of the input that is processed, from 0 to 1. Until the total is known, it is computed from bytes. */
  readonly share?: number
}

/** Results that were computed by code that has changed since. */
export interface Stale {
  /** Files that have changed since the run began, by their paths relative to the pipeline's folder. */
  readonly changed: readonly string[]
  /** Whether nothing is left to do: all results were computed by the other code. */
  readonly complete: boolean
}

/** The options of a run, with defaults filled in. */
export interface Settled {
  readonly splits: number
  readonly batch: number
  readonly state: StateChoice
  readonly out: string
}

/** Checks the options before anything is opened. */
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
      `--input names the source "${name}"; the sources of pipeline "${pipeline.name}" are ${sources.map((source) => source.name).join(', ')}.`,
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
    throw new ConfigError('bad-splits', `--splits must be a whole number from 1 to 256; it is ${splits}.`)
  if (!Number.isSafeInteger(batch) || batch < 1 || batch > 10_000)
    throw new ConfigError(
      'bad-batch',
      `--batch must be a whole number from 1 to 10000, the maximum of a mapping; it is ${batch}.`,
    )
  return {
    splits,
    batch,
    state: parseState(options.state ?? defaultState(pipeline.name)),
    out: options.out ?? `.millrace/${pipeline.name}/out`,
  }
}
