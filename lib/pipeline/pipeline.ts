import {
  ConfigError,
  checkName,
  checkOptions,
  type Duration,
  KEY_GROUPS_MAX,
  milliseconds,
  shown,
  WRITE_SHARDS_MAX,
} from '../base/index.js'
import type { SinkNode } from '../ports/index.js'
import type { Pipeline, PipelineOptions } from './graph.js'
import { plan } from './plan.js'
import { Builder, checkSink } from './stream.js'

/** The dead letter of a pipeline that names none. The host must bind one. */
export const hostDeadLetter: SinkNode<any> = Object.freeze({
  kind: 'sink',
  connector: 'dead-letter',
  name: 'dead-letter',
  options: Object.freeze({}),
  local: false,
  open: () => {
    throw new ConfigError(
      'no-dead-letter',
      'Rejected records need a dead letter: set the deadLetter option of the pipeline, or bind a sink named "dead-letter" in the handler\'s bindings.',
    )
  },
})

/**
 * Longer than most producers buffer records: Amazon Data Firehose and most agents send at least every five minutes by
 * default.
 */
const IDLE_CLOSE = '5m'

function idleCloseOf(name: string, close: Duration | 'clock' | false): number | 'clock' | false {
  if (close === false || close === 'clock') return close
  if (typeof close === 'boolean')
    throw new ConfigError(
      'bad-idle',
      `idle.close of "${name}" must be how long all splits are idle before open windows are closed, such as '5m', or 'clock', or false; it is ${shown(close)}.`,
    )
  return milliseconds(close, `idle.close of "${name}"`, 1)
}

type Build = (p: Builder) => unknown

/**
 * Builds the graph of a pipeline once, checks it and freezes it. Nothing is opened, and no client is loaded.
 * @throws {ConfigError} if the pipeline is not valid, with the rule, the value and the fix
 * @example
 * export default pipeline('revenue', p => p
 *   .from(orders)
 *   .keyBy(o => o.customerId)
 *   .window(tumbling('5m'))
 *   .aggregate('revenue', { total: sum(o => o.amount) })
 *   .to(ndjson('revenue')))
 */
export function pipeline(name: string, build: Build): Pipeline
export function pipeline(name: string, options: PipelineOptions, build: Build): Pipeline
export function pipeline(name: string, second: PipelineOptions | Build, third?: Build): Pipeline {
  const build = typeof second === 'function' ? second : third
  const options = typeof second === 'function' ? {} : (second ?? {})
  checkName('pipeline', name)
  if (typeof build !== 'function')
    throw new ConfigError('bad-pipeline', `pipeline("${name}") takes a build function as its last argument.`)
  checkOptions<PipelineOptions>(`pipeline("${name}")`, options, {
    deadLetter: true,
    keyGroups: true,
    writeShards: true,
    idle: true,
    minAdvance: true,
  })
  checkOptions(`idle of pipeline("${name}")`, options.idle, { after: true, close: true })
  const keyGroups = options.keyGroups ?? 4
  if (!Number.isSafeInteger(keyGroups) || keyGroups < 1 || keyGroups > KEY_GROUPS_MAX) {
    throw new ConfigError(
      'bad-key-groups',
      `keyGroups must be a whole number from 1 to ${KEY_GROUPS_MAX}; pipeline "${name}" has ${keyGroups}.`,
    )
  }
  const writeShards = options.writeShards ?? 1
  if (!Number.isSafeInteger(writeShards) || writeShards < 1 || writeShards > WRITE_SHARDS_MAX) {
    throw new ConfigError(
      'bad-write-shards',
      `writeShards must be a whole number from 1 to ${WRITE_SHARDS_MAX}; pipeline "${name}" has ${writeShards}.`,
    )
  }
  if (options.deadLetter !== undefined) checkSink(`deadLetter of "${name}"`, options.deadLetter)
  const builder = new Builder()
  const built = build(builder)
  if (built instanceof Promise)
    throw new ConfigError(
      'bad-pipeline',
      `The build function of "${name}" must not be async: the graph is built synchronously.`,
    )
  const made: Pipeline = Object.freeze({
    kind: 'pipeline',
    name,
    keyGroups,
    writeShards,
    idleAfterMs: milliseconds(options.idle?.after ?? '1m', `idle.after of "${name}"`, 1),
    idleClose: idleCloseOf(name, options.idle?.close ?? IDLE_CLOSE),
    minAdvanceMs: milliseconds(options.minAdvance ?? '2s', `minAdvance of "${name}"`),
    deadLetter: options.deadLetter ?? hostDeadLetter,
    nodes: builder.seal(),
  })
  plan(made)
  return made
}
