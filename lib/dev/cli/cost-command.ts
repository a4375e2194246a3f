import { readFileSync } from 'node:fs'
import { ConfigError, messageOf, milliseconds } from '../../base/index.js'
import {
  costReport,
  deploymentFor,
  KEYS_EXPECTED,
  type Measured,
  parseRate,
  parseSize,
  shapeOf,
} from '../../cost/index.js'
import { plan } from '../../pipeline/index.js'
import { costText } from '../cost-text.js'
import type { RunSummary } from '../run.js'
import { recordsIn } from '../summary.js'
import { type Io, say } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { wholeNumber } from './run-command.js'

export interface CostFlags {
  readonly rate: string
  readonly size: string
  readonly keys?: string
  readonly splits?: string
  readonly shards?: string
  readonly batch?: string
  readonly pollers?: string
  readonly latency?: string
  readonly fromRun?: string
  readonly json?: boolean
}

const RECORDS_MIN = 10_000

/** `millrace cost`. Reads only files and makes no network call. */
export async function costCommand(file: string, flags: CostFlags, io: Io): Promise<number> {
  const load = {
    recordsPerSecond: parseRate(flags.rate),
    recordBytes: parseSize(flags.size),
    keys: Math.max(1, wholeNumber('--keys', flags.keys) ?? KEYS_EXPECTED),
  }
  const made = plan(await loadPipeline(file))
  const shape = shapeOf(made)
  const shards = wholeNumber('--shards', flags.shards)
  const usual = deploymentFor(shape, shards === undefined ? undefined : Math.max(1, shards))
  const batchSize = wholeNumber('--batch', flags.batch)
  const deployment = {
    ...usual,
    splits: Math.max(1, wholeNumber('--splits', flags.splits) ?? usual.splits),
    pollerUnits: wholeNumber('--pollers', flags.pollers) ?? usual.pollerUnits,
    batchSize: Math.max(1, batchSize ?? usual.batchSize),
  }
  const report = costReport(shape, load, {
    deployment,
    measured: flags.fromRun === undefined ? undefined : measuredBy(flags.fromRun, made.pipeline.name),
    latencyMs: flags.latency === undefined ? undefined : milliseconds(flags.latency, '--latency', 1),
    fixed: batchSize === undefined ? [] : ['batchSize'],
  })
  if (flags.json) io.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
  else say(io, costText(report))
  return 0
}

/** The units and CPU per record that `millrace run --json` measured. */
function measuredBy(file: string, pipeline: string): Measured {
  const summary = summaryIn(file)
  const refuse = (why: string): never => {
    throw new ConfigError('bad-run', `The run of ${file} ${why}`)
  }
  const records = recordsIn(summary)
  if (summary.pipeline !== pipeline)
    refuse(
      `is for the pipeline "${summary.pipeline}", but the estimate is for "${pipeline}". Run "${pipeline}" instead.`,
    )
  if (!summary.complete)
    refuse(
      `stopped after ${records} records, before the end of its input: an estimate needs a complete run. Run it again with --fresh.`,
    )
  if (summary.resumed || summary.alreadyComplete)
    refuse('resumed an earlier run, so its usage covers only part of its records. Run it again with --fresh.')
  if (records < RECORDS_MIN)
    refuse(
      `has only ${records} records: the cost of starting a process would dominate the figures. ` +
        `Run a sample of ${RECORDS_MIN} records or more.`,
    )
  return {
    batch: records / Math.max(1, summary.invocations),
    writeUnits: summary.usage.writeUnits / records,
    readUnits: summary.usage.readUnits / records,
    cpuUs: (summary.cpuSeconds / records) * 1e6,
  }
}

function summaryIn(file: string): RunSummary {
  try {
    const parsed = JSON.parse(readFileSync(file, 'utf8')) as RunSummary
    if (parsed.usage?.writeUnits !== undefined && Array.isArray(parsed.status?.stages)) return parsed
  } catch (error) {
    throw new ConfigError('bad-run', `The file ${file} cannot be read as JSON: ${messageOf(error)}`)
  }
  throw new ConfigError(
    'bad-run',
    `The file ${file} is not the summary of a run. Create one: millrace run PIPELINE --fresh --json > ${file}`,
  )
}
