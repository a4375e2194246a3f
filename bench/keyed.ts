import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../lib/dev/services/daemon.js'
import { startDynamodb } from '../lib/dev/services/dynamodb.js'
import { createTable } from '../lib/state/dynamodb/table.js'
import { localCredentials } from './dynamodb.js'
import { bundleTasks, keyedApart } from './keyed-apart.js'
import type { ColdKeyedFigures } from './keyed-cold.js'
import type { KeyedCpuFigures } from './keyed-cpu.js'
import { printKeyed, printRows } from './keyed-print.js'
import type { KeyedStoreFigures } from './keyed-store.js'
import { type KeyedFigures, type KeyedSetting, PATTERNS } from './keyed-units.js'
import { machine } from './machine.js'
import type { RowsCpuFigures } from './rows-cpu.js'

export interface AllKeyedFigures {
  readonly machine: string
  readonly sizes: readonly KeyedFigures[]
  readonly limits: readonly KeyedFigures[]
  readonly cold: readonly ColdKeyedFigures[]
  readonly cpu: readonly KeyedCpuFigures[]
  readonly rows: readonly RowsCpuFigures[]
  readonly stores: readonly (KeyedStoreFigures & { readonly store: string })[]
}

const SIZES = [1_000, 10_000, 100_000]
/** With this many keys, only the sparse pattern is measured by default. */
const SLOW_KEYS = 100_000
const LONG_SIZES = [...SIZES, 1_000_000]
const BLOCK_BYTES = [1_024, 2_048, 4_096]
const TAIL_BYTES = [65_536, 262_144, 1_048_576]
const LONG_TAIL_BYTES = [0, ...TAIL_BYTES]
const LIMIT_KEYS = 4_000
const LONG_LIMIT_KEYS = 100_000
/** Keys with about 480 bytes of state: 1 MB, 32 MB and 1 GB. */
const COLD = [
  { keys: 2_200, growth: 1.5 },
  { keys: 70_000, growth: 1.5 },
]
const LONG_COLD = [...COLD, { keys: 2_200_000, growth: 2 }]
const CPU_KEYS = [20, 100, 10_000]
const STORE_KEYS = 10_000
const TABLE = 'bench'

/**
 * Keyed state: units and CPU of a touched key, by the number of keys and by the limits; the state of a key group that
 * is opened cold; the CPU of a process function; and what folds take with DynamoDB. Without Java, that last part is
 * left out, and the output says so.
 */
export async function keyedBench(isJson: boolean, isLong: boolean): Promise<void> {
  await bundleTasks()
  const sizes: KeyedFigures[] = []
  for (const keys of isLong ? LONG_SIZES : SIZES)
    for (const pattern of isLong || keys < SLOW_KEYS ? PATTERNS : PATTERNS.slice(0, 1))
      sizes.push(await keyedApart('units', { pattern, keys, folds: isLong ? 2 : 1 } satisfies KeyedSetting))
  const limits: KeyedFigures[] = []
  for (const pattern of isLong ? PATTERNS : PATTERNS.slice(0, 1))
    for (const blockBytes of BLOCK_BYTES)
      for (const tailBytes of isLong ? LONG_TAIL_BYTES : TAIL_BYTES)
        limits.push(
          await keyedApart('units', { pattern, keys: isLong ? LONG_LIMIT_KEYS : LIMIT_KEYS, blockBytes, tailBytes }),
        )
  const cold: ColdKeyedFigures[] = []
  for (const task of isLong ? LONG_COLD : COLD) cold.push(await keyedApart('cold', task))
  const cpu: KeyedCpuFigures[] = []
  for (const keys of CPU_KEYS) cpu.push(await keyedApart('cpu', { keys }))
  const rows = await keyedApart<RowsCpuFigures[]>('rows', {})
  const figures = { machine: machine(), sizes, limits, cold, cpu, rows, stores: await stores() }
  if (isJson) console.log(JSON.stringify(figures, undefined, 2))
  else printKeyed(figures)
}

/** Operators over rows: the CPU of an event beside the same over objects in a Map. */
export async function rowsBench(isJson: boolean): Promise<void> {
  await bundleTasks()
  const rows = await keyedApart<RowsCpuFigures[]>('rows', {})
  if (isJson) console.log(JSON.stringify({ machine: machine(), rows }, undefined, 2))
  else printRows(rows)
}

async function stores(): Promise<AllKeyedFigures['stores']> {
  const one = async (store: string, endpoint: string) => ({
    store,
    ...(await keyedApart<KeyedStoreFigures>('store', { keys: STORE_KEYS, table: TABLE, endpoint })),
  })
  const memory = await one('memory', '')
  localCredentials()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  try {
    const service = await startDynamodb({ folder, port: await freePort(), detached: false, memory: true })
    try {
      await createTable(TABLE, { endpoint: service.endpoint })
      return [memory, await one('DynamoDB Local', service.endpoint)]
    } finally {
      await service.stop()
    }
  } catch (error) {
    console.error(`DynamoDB Local does not run, so its figures are missing: ${(error as Error).message}`)
    return [memory]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
