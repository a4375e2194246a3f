import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Pipeline } from '../../lib/index.js'
import { type TestDriver, testDriver } from '../../lib/testing/index.js'
import {
  type Impulse,
  ids,
  impulses,
  type Order,
  orders,
  QUERIES,
  rowsOf,
  second,
  type TableStep,
} from './arroyo-pipelines.js'

const JOINS = 'There are no joins yet. A join of two streams by process() would test the code of this file.'
/** Queries that are not run, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  async_udf: 'Steps are synchronous. The rows are those of double_negative_udf, which is run.',
  offset_impulse_join: JOINS,
  updating_full_join: JOINS,
  updating_inner_join: JOINS,
  updating_left_join: JOINS,
  updating_right_join: JOINS,
}

const resultOf = (name: string): object[] => {
  const file = `results/${name}.ndjson`
  return rowsOf(existsSync(new URL(`goldens/arroyo/${file}`, import.meta.url)) ? file : `${file}.gz`)
}

/** Rows as a multiset: lines with sorted members, in order. */
const lines = (rows: readonly object[]): string[] =>
  rows.map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))))).sort()

type Rows = { out: any; dead: any }

/** The query with all of its input. Rows that have a time are in two splits. */
function driven(name: string): TestDriver<Rows> {
  const made = QUERIES[name]!()
  const t = testDriver<Rows>(made)
  for (const node of sourcesOf(made)) {
    const rows = rowsOf<any>(FILES[node]!)
    if (node === impulses.name || node === second.name)
      for (const split of [0, 1])
        t.source(node)
          .split(split)
          .send(...(rows as Impulse[]).filter(({ counter }) => counter % 2 === split))
    else
      for (let at = 0; at < rows.length; at += BATCH)
        t.source(node).sendWith({ arrivedAt: at }, ...rows.slice(at, at + BATCH))
  }
  t.endOfInput()
  return t
}
/** As in Arroyo's own tests. */
const BATCH = 32
const FILES: Readonly<Record<string, string>> = {
  [impulses.name]: 'inputs/impulse.ndjson',
  [second.name]: 'inputs/impulse.ndjson',
  [ids.name]: `inputs/${ids.name}.ndjson`,
  [orders.name]: `inputs/${orders.name}.ndjson.gz`,
}
const sourcesOf = ({ nodes }: Pipeline): string[] =>
  nodes.flatMap((node) => (node.kind === 'source' ? [node.source.name] : []))

/** The last row of each key. */
const lastOf = (rows: readonly any[], key: string): object[] => {
  const last = new Map(rows.map((row) => [row[key], row]))
  return [...last.values()].map(({ all: _, ...row }) => row)
}

const ROWS = [
  'debezium_coercion',
  'double_negative_udf',
  'string_numeric_comparison_coercion',
  'union',
  'global_session_window',
  'session_window',
  'sliding_window_end',
  'udaf',
  'unnest_in_view',
]
/** Arroyo's tests stop each query, and let it go on with other parallelism. Two of them do the same here. */
const CRASHED = ['session_window', 'sliding_window_end']
/** The key of each query that gives a row for each change. */
const KEYS: Readonly<Record<string, string>> = {
  aggregates: 'all',
  grouped_aggregates: 'counter_mod',
  null_aggregates: 'bucket',
  filter_updating_aggregates: 'all',
  debezium_agg: 'id',
}

describe('queries of Arroyo', () => {
  it.each(ROWS)('%s gives the same rows', async (name) => {
    const t = driven(name)
    expect(lines(await t.sink('out').rows())).toEqual(lines(resultOf(name)))
    expect(await t.deadLetters()).toEqual([])
    if (CRASHED.includes(name))
      await t.everyWay(({ out }) => expect(lines(out)).toEqual(lines(resultOf(name))), { runs: 1 })
  })

  it.each(Object.entries(KEYS))('%s gives the same rows in the end, by %s', async (name, key) => {
    const t = driven(name)
    expect(lines(lastOf(await t.sink('out').rows(), key))).toEqual(lines(resultOf(name)))
    expect(await t.deadLetters()).toEqual([])
  })

  it('debezium_pass_through makes the same table', async () => {
    const t = driven('debezium_pass_through')
    const rows = new Map<number, Order>()
    for (const { id, leaves, comes } of (await t.sink('out').rows()) as TableStep[]) {
      expect(rows.get(id)?.status).toBe(leaves?.status)
      if (comes === null) rows.delete(id)
      else rows.set(id, { ...comes, order_date: Math.floor(comes.order_date / 1e6) })
    }
    expect(lines([...rows.values()])).toEqual(lines(resultOf('debezium_pass_through')))
  })

  it('are all run, or left out with a reason', () => {
    const all = rowsOf<{ name: string }>('index.ndjson').map(({ name }) => name)
    const run = [...ROWS, ...Object.keys(KEYS), 'debezium_pass_through']
    expect(Object.keys(QUERIES).sort()).toEqual([...run].sort())
    expect([...run, ...Object.keys(LEFT_OUT)].sort()).toEqual(all.sort())
    const files = (folder: string): string[] => readdirSync(new URL(`goldens/arroyo/${folder}`, import.meta.url))
    expect(files('queries').sort()).toEqual(run.map((name) => `${name}.sql`).sort())
    expect(
      files('results')
        .map((file) => file.replace(/\.ndjson(\.gz)?$/, ''))
        .sort(),
    ).toEqual([...run].sort())
  })
})
