import { readFileSync } from 'node:fs'
import { ConfigError, messageOf } from '../../base/index.js'
import {
  costReport,
  DEPLOYMENT,
  KEYS_EXPECTED,
  type Measured,
  parseRate,
  parseSize,
  shapeOf,
} from '../../cost/index.js'
import { plan } from '../../pipeline/index.js'
import { costText } from '../cost-text.js'
import type { RunSummary } from '../run.js'
import { type Io, say } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { wholeNumber } from './run-command.js'

export interface CostFlags {
  readonly rate: string
  readonly size: string
  readonly keys?: string
  readonly splits?: string
  readonly batch?: string
  readonly pollers?: string
  readonly fromRun?: string
  readonly json?: boolean
}

const RECORDS_MIN = 10_000

/** `millrace cost`. Reads nothing but files, and asks nobody. */
export async function costCommand(file: string, flags: CostFlags, io: Io): Promise<number> {
  const load = {
    recordsPerSecond: parseRate(flags.rate),
    recordBytes: parseSize(flags.size),
    keys: Math.max(1, wholeNumber('--keys', flags.keys) ?? KEYS_EXPECTED),
  }
  const deployment = {
    ...DEPLOYMENT,
    splits: Math.max(1, wholeNumber('--splits', flags.splits) ?? DEPLOYMENT.splits),
    pollerUnits: wholeNumber('--pollers', flags.pollers) ?? DEPLOYMENT.pollerUnits,
    batchSize: Math.max(1, wholeNumber('--batch', flags.batch) ?? DEPLOYMENT.batchSize),
  }
  const measured = flags.fromRun === undefined ? undefined : measuredBy(flags.fromRun)
  const report = costReport(shapeOf(plan(await loadPipeline(file))), load, deployment, measured)
  if (flags.json) io.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
  else say(io, costText(report))
  return 0
}

/** What `millrace run --json` has printed, a record each. */
function measuredBy(file: string): Measured {
  const summary = summaryIn(file)
  const records = summary.status.stages[0]?.splits.reduce((sum, split) => sum + split.in, 0) ?? 0
  if (records === 0 || summary.delivered < records)
    throw new ConfigError(
      'bad-run',
      `The run of ${file} has counted ${summary.delivered} of ${records} records: a cost needs a whole one. Run it again with --fresh.`,
    )
  if (records < RECORDS_MIN)
    throw new ConfigError(
      'bad-run',
      `The run of ${file} is of ${records} records: what a process costs to start would count for more than they do. Take a sample of ${RECORDS_MIN} or more.`,
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
    `The file ${file} is no summary of a run. Make one: millrace run PIPELINE --fresh --json > ${file}`,
  )
}
