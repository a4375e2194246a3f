import { dynamodbClient } from '../lib/aws/dynamodb-client.js'
import { executeStatements } from '../lib/aws/dynamodb-statements.js'
import { toValue } from '../lib/aws/dynamodb-values.js'
import { RETRY_BUDGET } from '../lib/aws/retry.js'
import type { Item, StateStore } from '../lib/ports/index.js'
import { dynamodbStore } from '../lib/state/dynamodb/index.js'
import { memoryStore } from '../lib/state/memory/index.js'
import { KINDS } from './keyed-meter.js'
import { drawer } from './keyed-units.js'
import { KeyedWorld } from './keyed-world.js'

/** What folds take of the requests and of the time of a key group. */
export interface KeyedStoreFigures {
  readonly keys: number
  readonly touches: number
  readonly folds: number
  readonly requests: number
  readonly blockWrites: number
  readonly cpuMs: number
  readonly foldCpuMs: number
  readonly elapsedMs: number
  readonly foldElapsedMs: number
  /** Updates of the same blocks, one a request and 25 a request; undefined for a store in memory. */
  readonly batched: BatchedFigures | undefined
}

/** CPU and elapsed time of one updated block, us. */
export interface BatchedFigures {
  readonly blocks: number
  readonly singleCpuUs: number
  readonly singleElapsedUs: number
  readonly batchedCpuUs: number
  readonly batchedElapsedUs: number
}

export interface StoreTask {
  readonly keys: number
  readonly table: string
  /** Without one, the state is in memory. */
  readonly endpoint: string
}

const FOLDS = 1
const TOUCHES_MAX = 40_000
const BLOCKS_MAX = 1_000
const AT_ONCE = 16

export async function keyedStore({ keys, table, endpoint }: StoreTask): Promise<KeyedStoreFigures> {
  const kept: { keys: Set<string>; store: StateStore } = {
    keys: new Set(),
    store: endpoint === '' ? memoryStore() : await dynamodbStore(table, { endpoint }),
  }
  const watched: StateStore = {
    get: (some) => kept.store.get(some),
    insert: (items) => kept.store.insert(items),
    query: (range) => kept.store.query(range),
    usage: () => kept.store.usage(),
    close: () => kept.store.close(),
    update: (update) => {
      if (update.key.sk.startsWith('b#')) kept.keys.add(`${update.key.pk} ${update.key.sk}`)
      return kept.store.update(update)
    },
    updateAll: (updates) => {
      for (const { key } of updates) if (key.sk.startsWith('b#')) kept.keys.add(`${key.pk} ${key.sk}`)
      return kept.store.updateAll(updates)
    },
  }
  const world = new KeyedWorld(watched)
  await world.populate(keys, Number.POSITIVE_INFINITY)
  const draw = drawer('sparse', keys)
  let foldCpuUs = 0
  let foldElapsedMs = 0
  const state = await world.host.keyed(world.operator, 0)
  const fold = state.fold.bind(state)
  state.fold = async (...given) => {
    const started = performance.now()
    const cpu = process.cpuUsage()
    const result = await fold(...given)
    const { user, system } = process.cpuUsage(cpu)
    foldCpuUs += user + system
    foldElapsedMs += performance.now() - started
    return result
  }
  // The first cycle reads the blocks and warms the code up.
  for (let warm = 0; world.store.folds === 0 && warm < TOUCHES_MAX; ) warm += await world.close(draw())
  world.store.reset()
  foldCpuUs = 0
  foldElapsedMs = 0
  const started = performance.now()
  let touches = 0
  while (world.store.folds < FOLDS && touches < TOUCHES_MAX) touches += await world.close(draw())
  const elapsedMs = performance.now() - started
  const { metered, cpuUs, folds } = world.store
  const requests = KINDS.reduce((sum, kind) => sum + metered[kind].reads + metered[kind].writes, 0)
  const figures = {
    keys,
    touches,
    folds,
    requests,
    blockWrites: metered.blocks.writes,
    cpuMs: cpuUs / 1000,
    foldCpuMs: foldCpuUs / 1000,
    elapsedMs,
    foldElapsedMs,
    batched:
      endpoint === '' ? undefined : await batched(kept.store, [...kept.keys].slice(0, BLOCKS_MAX), table, endpoint),
  }
  await kept.store.close()
  return figures
}

/** Compares conditional updates of the same blocks: one a request, and 25 a request by PartiQL. */
async function batched(store: StateStore, names: readonly string[], table: string, endpoint: string) {
  const items: Item[] = []
  for (let at = 0; at < names.length; at += 100) {
    const some = names.slice(at, at + 100).map((name) => ({ pk: name.split(' ')[0]!, sk: name.split(' ')[1]! }))
    for (const item of await store.get(some)) if (item !== undefined && (item.levels as number) === 0) items.push(item)
  }
  const client = dynamodbClient({ endpoint })
  const single: Spent[] = []
  const many: Spent[] = []
  for (let round = 0; round < 3; round++) {
    const asOf = (item: Item, more: number): number => (item.asOf as number) + 2 * round + more
    single.push(
      await spent(async () => {
        for (let at = 0; at < items.length; at += AT_ONCE) {
          const verdicts = await Promise.all(
            items.slice(at, at + AT_ONCE).map((item) => {
              const { pk, sk, ...set } = item
              const newer = asOf(item, 1)
              return store.update({
                key: { pk, sk },
                set: { ...set, asOf: newer },
                when: [
                  { attribute: 'asOf', is: 'below', value: newer },
                  { attribute: 'levels', is: 'equal', value: 0 },
                ],
              })
            }),
          )
          if (!verdicts.every(({ applied }) => applied)) throw new Error('an update of the benchmark was refused')
        }
      }),
    )
    many.push(
      await spent(async () => {
        const statements = items.map((item) => {
          const { pk, sk, ...rest } = item
          const newer = asOf(item, 2)
          const set = Object.entries({ ...rest, asOf: newer })
          const text = `UPDATE "${table}" ${set.map(([name]) => `SET "${name}"=?`).join(' ')} WHERE "pk"=? AND "sk"=? AND "asOf"<? AND "levels"=?`
          const parameters = [...set.map(([, value]) => value), pk, sk, newer, 0].map(toValue)
          return { text, parameters, bytes: 1024 }
        })
        const call = { client, what: 'the table', budget: RETRY_BUDGET, onRequest: () => undefined }
        const outcomes = await executeStatements(call, statements)
        const refused = outcomes.find(({ kind }) => kind !== 'done')
        if (refused !== undefined) throw new Error(`a statement of the benchmark was refused: ${refused.message}`)
      }),
    )
  }
  client.destroy()
  const least = (all: readonly Spent[], figure: keyof Spent): number =>
    Math.min(...all.map((one) => one[figure])) / items.length
  return {
    blocks: items.length,
    singleCpuUs: least(single, 'cpuUs'),
    singleElapsedUs: least(single, 'elapsedUs'),
    batchedCpuUs: least(many, 'cpuUs'),
    batchedElapsedUs: least(many, 'elapsedUs'),
  }
}

interface Spent {
  readonly cpuUs: number
  readonly elapsedUs: number
}

async function spent(work: () => Promise<void>): Promise<Spent> {
  const started = performance.now()
  const cpu = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { cpuUs: user + system, elapsedUs: (performance.now() - started) * 1000 }
}
