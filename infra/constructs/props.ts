import { type Duration, Token } from 'aws-cdk-lib'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { checkOptions, glimpse, type OptionNames } from '../../lib/base/index.js'
import { checkDuration, checkResource } from './kinds.js'
import { checkFlag, isOutside } from './mapping-rules.js'
import type { AlarmOptions } from './pipeline-alarms.js'
import type { FunctionOptions } from './pipeline-function.js'
import type { Expected } from './price.js'
import { refuse } from './refuse.js'
import type { StreamPipelineProps } from './stream-pipeline.js'

const PROPS: OptionNames<StreamPipelineProps> = {
  pipeline: true,
  functions: true,
  assets: true,
  sources: true,
  sinks: true,
  state: true,
  removalPolicy: true,
  ingest: true,
  advance: true,
  tick: true,
  advanceQueue: true,
  alarms: true,
  dashboard: true,
  enabled: true,
  run: true,
  lockFile: true,
  expected: true,
}
const FUNCTION: OptionNames<FunctionOptions> = {
  memorySize: true,
  timeout: true,
  reservedConcurrentExecutions: true,
  logRetention: true,
}
const ALARMS: OptionNames<AlarmOptions> = {
  actions: true,
  iteratorAgeMax: true,
  offsetLagMax: true,
  watermarkLagMax: true,
  rejectedMax: true,
  expiredMax: true,
  durationShareMax: true,
}
const EXPECTED: OptionNames<Expected> = { rate: true, size: true, keys: true, latency: true }

/** Lambda's limits for the memory of a function. */
const MEMORY_MB = { least: 128, most: 10_240 }
const RUN_MAX = 1_000_000
const CONCURRENCY_MAX = 1_000_000

/** Checks the props of a pipeline: unknown names, wrong types, and values out of range. */
export function checkProps(where: string, props: StreamPipelineProps): void {
  checkOptions(where, props, PROPS)
  if ((props as Partial<StreamPipelineProps>).pipeline?.kind !== 'pipeline')
    refuse(
      where,
      'pipeline',
      props.pipeline === undefined ? 'not given' : glimpse(props.pipeline),
      'It must be a pipeline that pipeline() returned.',
      "Import the default export of the pipeline's file.",
    )
  const table = 'Give a StateTable, or Table.fromTableName(scope, id, name).'
  checkResource(where, 'state', props.state, 'tableArn', table)
  checkDuration(`${where}: tick`, 'every', props.tick?.every)
  if (
    props.assets !== undefined &&
    !(Array.isArray(props.assets) && props.assets.every((path) => typeof path === 'string'))
  )
    refuse(
      where,
      'assets',
      props.assets,
      'It must be an array of paths of files and folders.',
      "Give ['data/zones.json'].",
    )
  for (const name of ['ingest', 'advance'] as const) checkFunctionOptions(`${where}: ${name}`, props[name])
  checkFunctionOptions(`${where}: tick`, props.tick, { every: true })
  for (const flag of ['advanceQueue', 'dashboard', 'enabled'] as const) checkFlag(where, flag, props[flag])
  checkWhole(where, 'run', props.run, 1, RUN_MAX)
  if (props.alarms !== undefined && props.alarms !== false) checkAlarms(`${where}: alarms`, props.alarms)
  checkOptions(`${where}: expected`, props.expected, EXPECTED)
  checkWhole(`${where}: expected`, 'keys', props.expected?.keys, 1, Number.MAX_SAFE_INTEGER)
}

function checkFunctionOptions(where: string, options: FunctionOptions | undefined, more: object = {}): void {
  if (options === undefined) return
  checkOptions<FunctionOptions>(where, options, { ...FUNCTION, ...more })
  checkWhole(where, 'memorySize', options.memorySize, MEMORY_MB.least, MEMORY_MB.most)
  checkWhole(where, 'reservedConcurrentExecutions', options.reservedConcurrentExecutions, 1, CONCURRENCY_MAX)
  const { logRetention, timeout } = options
  if (logRetention !== undefined && !Token.isUnresolved(logRetention) && RetentionDays[logRetention] === undefined)
    refuse(where, 'logRetention', logRetention, 'It must be a value of RetentionDays.', 'Give one of those.')
  checkDuration(where, 'timeout', timeout)
  if (timeout === undefined) return
  if (timeout.isUnresolved())
    refuse(
      where,
      'timeout',
      'not known before the stack is deployed',
      'Alarms and the advance queue are derived from it.',
      'Give a duration that is known.',
    )
  if (timeout.toMilliseconds() < 1_000 || timeout.toMilliseconds() % 1_000 !== 0)
    refuse(where, 'timeout', timeout, 'Lambda accepts whole seconds, at least 1.', 'Give 30 seconds or more.')
}

function checkAlarms(where: string, alarms: AlarmOptions): void {
  checkOptions(where, alarms, ALARMS)
  for (const option of ['offsetLagMax', 'rejectedMax', 'expiredMax'] as const)
    checkWhole(where, option, alarms[option], 0, Number.MAX_SAFE_INTEGER)
  const share = alarms.durationShareMax
  if (share !== undefined && !Token.isUnresolved(share) && !(share > 0 && share <= 1))
    refuse(
      where,
      'durationShareMax',
      share,
      "It is a share of a function's timeout.",
      'Give a number above 0 and at most 1.',
    )
  for (const option of ['iteratorAgeMax', 'watermarkLagMax'] as const) {
    const given: Duration | undefined = alarms[option]
    checkDuration(where, option, given)
    if (given === undefined || given.isUnresolved() || given.toMilliseconds() > 0) continue
    refuse(where, option, given, 'Some records always wait for a moment.', 'Give a duration above 0.')
  }
}

function checkWhole(where: string, option: string, value: number | undefined, least: number, most: number): void {
  if (isOutside(value, least, most))
    refuse(where, option, value, `It must be a whole number from ${least} to ${most}.`, 'Give one in between.')
}
