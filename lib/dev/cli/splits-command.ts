import { ConfigError } from '../../base/index.js'
import { plan } from '../../pipeline/index.js'
import { runPrefix, splitKey } from '../../runtime/keys.js'
import { statusOf } from '../status.js'
import { numberText, table, timeText } from '../text.js'
import { defaultState, openState, parseState } from '../workspace.js'
import type { Io } from './io.js'
import { loadPipeline } from './load-pipeline.js'

export interface SplitsFlags {
  readonly state?: string
  readonly json?: boolean
}

/** `millrace splits list`: every split with its state, position and counters. */
export async function listSplitsCommand(file: string, flags: SplitsFlags, io: Io): Promise<number> {
  const pipeline = await loadPipeline(file)
  const store = await openState(parseState(flags.state ?? defaultState(pipeline.name)))
  try {
    const status = await statusOf(pipeline, store)
    if (flags.json) {
      io.stdout.write(`${JSON.stringify(status, undefined, 2)}\n`)
      return 0
    }
    const rows = status.stages.flatMap((stage) =>
      stage.splits.map((split) => [
        split.split,
        split.status,
        split.position,
        timeText(split.ownWatermark),
        numberText(split.in),
        numberText(split.rejected),
        numberText(split.repeats),
      ]),
    )
    io.stdout.write(
      rows.length === 0
        ? 'No split has been read yet.\n'
        : `${table(['split', 'state', 'position', 'own watermark', 'in', 'rejected', 'repeats'], rows)}\n`,
    )
    return 0
  } finally {
    await store.close()
  }
}

/** `millrace splits skip`: a durable mark that the record right after the split's position is rejected (law 14). */
export async function skipCommand(file: string, split: string, flags: SplitsFlags, io: Io): Promise<number> {
  const pipeline = await loadPipeline(file)
  const store = await openState(parseState(flags.state ?? defaultState(pipeline.name)))
  try {
    const status = await statusOf(pipeline, store)
    const stage = status.stages.find((candidate) => candidate.splits.some((row) => row.split === split))
    const found = stage?.splits.find((row) => row.split === split)
    if (stage === undefined || found === undefined) {
      const names = status.stages.flatMap((candidate) => candidate.splits.map((row) => row.split))
      throw new ConfigError(
        'unknown-split',
        `There is no split "${split}"; there are: ${names.join(', ') || 'none yet'}.`,
      )
    }
    if (!plan(pipeline).sources.some((source) => split.startsWith(`${source.name}/`))) {
      throw new ConfigError('no-skip', `"${split}" is a key group: only a source's record can be skipped.`)
    }
    const key = splitKey(runPrefix(pipeline.name, 1), stage.stage, split)
    const verdict = await store.update({
      key,
      set: { skip: found.position },
      when: [{ attribute: 'position', is: 'equal', value: found.position }],
    })
    if (!verdict.applied)
      throw new ConfigError(
        'split-moved',
        `The split "${split}" moved on while it was marked: it is not stuck, and nothing is skipped.`,
      )
    io.stdout.write(
      `The record of ${split} right after position ${found.position} will be rejected with the reason "skipped".\n`,
    )
    return 0
  } finally {
    await store.close()
  }
}
