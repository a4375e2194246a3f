import { resolve } from 'node:path'
import { ConfigError } from '../../base/index.js'
import { type Pipeline, plan } from '../../pipeline/index.js'
import { recordText } from '../../testing/explain/text.js'
import { type ExplainOptions, explainKey, explainRecord, openInputs, type RecordName } from '../explain/explain.js'
import { keyText } from '../explain/key-text.js'
import { recordAt } from '../input/places.js'
import { settle } from '../run-options.js'
import { bold, numberText } from '../text.js'
import { type Io, say } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { parseInputs, wholeNumber } from './run-command.js'

export interface ExplainFlags {
  readonly input?: readonly string[]
  readonly splits?: string
  readonly record?: string
  readonly key?: string
  readonly split?: string
  readonly position?: string
  readonly json?: boolean
}

const SHOW_MS = 500

/**
 * `millrace explain`: shows what each step did with a record of a local run, or all records with a key. Returns the
 * exit code.
 */
export async function explainCommand(file: string, flags: ExplainFlags, io: Io): Promise<number> {
  const pipeline = await loadPipeline(file)
  const inputs = parseInputs(flags.input ?? [])
  const { splits } = settle(pipeline, { inputs, splits: wholeNumber('--splits', flags.splits) })
  let shown = performance.now()
  const options: ExplainOptions = {
    inputs,
    splits,
    onProgress: (records) => {
      if (performance.now() - shown < SHOW_MS) return
      shown = performance.now()
      io.stderr.write(`${numberText(records)} records read\n`)
    },
  }
  const asked = [flags.record, flags.key, flags.split].filter((flag) => flag !== undefined).length
  if (asked !== 1 || (flags.split === undefined) !== (flags.position === undefined))
    throw new ConfigError(
      'bad-explain',
      'Specify what to explain with exactly one of: --record FILE:LINE, --key KEY, or --split SPLIT --position POSITION from a dead letter.',
    )
  const write = (explanation: object, text: string): void => {
    if (flags.json) io.stdout.write(`${JSON.stringify(explanation, withoutNodes, 2)}\n`)
    else say(io, text)
  }
  if (flags.key !== undefined) {
    const explanation = await explainKey(pipeline, options, flags.key)
    write(explanation, keyText(explanation))
    return 0
  }
  const name =
    flags.record === undefined
      ? bySplit(pipeline, options, flags.split!, flags.position!)
      : await byLine(pipeline, options, flags.record)
  const explanation = await explainRecord(pipeline, options, name)
  write(explanation, recordText(explanation, bold))
  return 0
}

/** JSON shows only the kind of a step's node, because a node's functions cannot be written as JSON. */
function withoutNodes(key: string, value: unknown): unknown {
  return key === 'node' ? (value as { kind: string }).kind : typeof value === 'bigint' ? `${value}n` : value
}

async function byLine(pipeline: Pipeline, options: ExplainOptions, text: string): Promise<RecordName> {
  const cut = text.lastIndexOf(':')
  const line = Number(text.slice(cut + 1))
  if (cut < 1 || !Number.isSafeInteger(line) || line < 1)
    throw new ConfigError(
      'bad-record',
      `--record must be FILE:LINE, such as orders.ndjson:17; it is ${JSON.stringify(text)}.`,
    )
  const asked = text.slice(0, cut)
  const inputs = openInputs(pipeline, options)
  for (const input of inputs) {
    const file =
      input.files.find((candidate) => resolve(candidate) === resolve(asked)) ??
      input.files.find((candidate) => candidate.endsWith(`/${asked}`))
    if (file === undefined) continue
    const found = await recordAt(input, file, line)
    if (found !== undefined) return { source: input.source.name, ...found }
    throw new ConfigError('no-record', `No record of ${file} begins on line ${line} or after it.`)
  }
  const known = inputs.flatMap(({ files }) => files)
  throw new ConfigError(
    'no-record',
    `The file ${asked} is not an input of this run; its inputs are ${known.join(', ')}. Add it with --input SOURCE=FILE.`,
  )
}

function bySplit(pipeline: Pipeline, options: ExplainOptions, split: string, position: string): RecordName {
  const found = openInputs(pipeline, options).flatMap((input) =>
    input.logs
      .filter((log) => log.split === split || `${input.source.name}/${log.split}` === split)
      .map((log) => ({ input, log })),
  )
  const [only] = found
  if (found.length > 1)
    throw new ConfigError(
      'bad-split',
      `Several sources have a split ${split}. Specify one of them: ${found.map(({ input, log }) => `--split ${input.source.name}/${log.split}`).join(' or ')}.`,
    )
  if (only === undefined) {
    const { sources } = plan(pipeline)
    const all = openInputs(pipeline, options).flatMap(({ logs, source }) =>
      logs.map((log) => `${source.name}/${log.split}`),
    )
    throw new ConfigError(
      'bad-split',
      `No source of this run has a split ${split}; ${sources.length === 1 ? 'its splits are' : 'their splits are'} ${all.join(', ')}.`,
    )
  }
  const { input, log } = only
  let index = Number.NaN
  try {
    index = input.numbering.index(position.replace(/:\d{8}$/, ''))
  } catch {
    // The position may not be valid at all.
  }
  if (!Number.isSafeInteger(index) || index < 0 || input.numbering.position(index) !== position.replace(/:\d{8}$/, ''))
    throw new ConfigError(
      'bad-position',
      `A position of ${split} has the form ${input.numbering.position(0)}; it is ${JSON.stringify(position)}.`,
    )
  return { source: input.source.name, split: log.split, index }
}
