import type { Pipeline } from '../../pipeline/index.js'
import { plan } from '../../pipeline/index.js'
import type { Position, StateStore } from '../../ports/index.js'
import { runPrefix, START, splitKey, splitName } from '../../runtime/keys.js'
import { readSplit } from '../../runtime/split-item.js'

/** How many times the log of a split may have been recreated. */
const GENERATIONS_MAX = 1_000

/** The handlers' own checkpoint of a source's split, read strongly; undefined before the first one. */
export async function positionOf(
  pipeline: Pipeline,
  store: StateStore,
  source: string,
  split: string,
): Promise<Position | undefined> {
  const stage = plan(pipeline).stages.find(({ inputs }) => inputs.some((input) => input.name === source))!
  let id = split
  for (let generation = 0; generation < GENERATIONS_MAX; generation++) {
    const [item] = await store.get([splitKey(runPrefix(pipeline.name, 1), stage, splitName(source, id))])
    if (item === undefined) return undefined
    const state = readSplit(item, stage.operators.length)
    if (state.next === '') return state.position === START ? undefined : state.position
    id = state.next
  }
  return undefined
}
