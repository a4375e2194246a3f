import { ConfigError } from '../../base/index.js'
import { systemClock } from '../../observe/index.js'
import { type Pipeline, plan } from '../../pipeline/index.js'
import type { StateStore } from '../../ports/index.js'
import { runPrefix, splitKey } from '../../runtime/keys.js'
import { findSplit, resetSplit } from '../../runtime/log-faults.js'
import { statusOf } from '../../testing/status.js'
import { defaultState, openState, parseState } from '../state-choice.js'
import { numberText, table, timeText } from '../text.js'
import type { Io } from './io.js'
import { loadPipeline } from './load-pipeline.js'
import { type PlaceFlags, usePlace } from './place.js'

export interface SplitsFlags extends PlaceFlags {
  readonly state?: string
  readonly json?: boolean
  readonly now?: boolean
}

/** `millrace splits list`: prints every split with its state, position and counters. */
export async function listSplitsCommand(file: string, flags: SplitsFlags, io: Io): Promise<number> {
  const pipeline = await loadPipeline(file)
  const store = await openState(parseState(flags.state ?? defaultState(pipeline.name)), usePlace(flags))
  try {
    const status = await statusOf(pipeline, store)
    if (flags.json) {
      io.stdout.write(`${JSON.stringify(status, undefined, 2)}\n`)
      return 0
    }
    io.stdout.write(`State: ${flags.state ?? defaultState(pipeline.name)}\n`)
    const rows = status.stages.flatMap((stage) =>
      stage.splits.map((split) => [
        split.split,
        split.stopped === '' ? split.status : 'stopped',
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
    for (const split of status.stages.flatMap((stage) => stage.splits)) {
      if (split.stopped === '') continue
      io.stdout.write(`${split.split} is stopped: ${split.stopped} See "millrace splits reset --help".\n`)
    }
    return 0
  } finally {
    await store.close()
  }
}

/**
 * `millrace splits skip`: writes a durable mark that the record right after the split's position is to be rejected
 * (invariant 14).
 */
export async function skipCommand(file: string, split: string, flags: SplitsFlags, io: Io): Promise<number> {
  const pipeline = await loadPipeline(file)
  const store = await openState(parseState(flags.state ?? defaultState(pipeline.name)), usePlace(flags))
  try {
    const { stage, row: found } = await sourceSplit(pipeline, store, split)
    const key = splitKey(runPrefix(pipeline.name, 1), stage, split)
    const verdict = await store.update({
      key,
      set: { skip: found.position },
      when: [{ attribute: 'position', is: 'equal', value: found.position }],
    })
    if (!verdict.applied)
      throw new ConfigError(
        'split-moved',
        `The split "${split}" moved on while it was being marked: it is not stuck, and no record will be skipped.`,
      )
    io.stdout.write(
      `The record of ${split} right after position ${found.position} will be rejected with the reason "skipped".\n`,
    )
    return 0
  } finally {
    await store.close()
  }
}

/**
 * `millrace splits reset`: resumes a split whose log does not continue after its position. An operator has to decide
 * this.
 */
export async function resetCommand(file: string, split: string, flags: SplitsFlags, io: Io): Promise<number> {
  const pipeline = await loadPipeline(file)
  const store = await openState(parseState(flags.state ?? defaultState(pipeline.name)), usePlace(flags))
  try {
    const { stage, row } = await sourceSplit(pipeline, store, split)
    const prefix = runPrefix(pipeline.name, 1)
    const operators = stage.operators.length
    const seen = (await findSplit(store, prefix, stage, split, operators))!
    if (seen.stopped === '') {
      const why = seen.next === '' ? 'has not stopped' : `has ended; "${seen.next}" replaced it`
      throw new ConfigError('not-stopped', `The split "${split}" ${why}: there is nothing to reset.`)
    }
    const name = await resetSplit(store, prefix, stage, seen, systemClock.now(), flags.now === true)
    if (name === undefined)
      throw new ConfigError(
        'split-moved',
        `The split "${split}" changed while it was being reset. Check it again: millrace splits list`,
      )
    io.stdout.write(
      name === split
        ? `The split ${split} resumes after position ${row.position} with the next record that still exists; records deleted in between are lost.\n`
        : `The split ${split} has ended at position ${row.position}. Its new log is read from the start, as the split ${name}.\n`,
    )
    return 0
  } finally {
    await store.close()
  }
}

/** Finds a split of a source by its name. */
async function sourceSplit(pipeline: Pipeline, store: StateStore, split: string) {
  const status = await statusOf(pipeline, store)
  for (const { stage, splits } of status.stages) {
    const row = splits.find((candidate) => candidate.split === split)
    if (row === undefined) continue
    if (plan(pipeline).sources.some((source) => split.startsWith(`${source.name}/`)))
      return { stage: plan(pipeline).stages[stage]!, row }
    throw new ConfigError(
      'no-source-split',
      `"${split}" is a key group: only a split of a source can be skipped or reset.`,
    )
  }
  const names = status.stages.flatMap((candidate) => candidate.splits.map((row) => row.split))
  throw new ConfigError(
    'unknown-split',
    `There is no split "${split}"; the splits are: ${names.join(', ') || 'none yet'}.`,
  )
}
