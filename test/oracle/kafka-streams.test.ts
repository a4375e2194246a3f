import { describe, expect, it } from 'vitest'
import type { WindowOptions } from '../../lib/index.js'
import { type TestDriver, testDriver } from '../../lib/testing/index.js'
import {
  type Given,
  type Golden,
  type KafkaCase,
  type KafkaRows,
  kafkaCases,
  pipelineOf,
  type Row,
  records,
  rowOfGolden,
  rowOfResult,
  sorted,
  UNIT,
} from './kafka-streams.js'
import { changes, type TableRow, tablePipeline } from './kafka-tables.js'

const windowed = kafkaCases('windowed-aggregate')
const suppressed = kafkaCases('suppress')
const tables = kafkaCases('table-aggregate')
const named = (cases: readonly KafkaCase[]) => cases.map((given) => [given.name, given] as const)

function sent(given: KafkaCase, options: WindowOptions<Given, string>): TestDriver<KafkaRows> {
  const t = testDriver<KafkaRows>(pipelineOf(given, options))
  t.source(records).send(...given.input)
  return t
}

/**
 * Rows that differ on purpose, by case and window. Kafka Streams keeps a record of a sliding window only in the windows
 * that exist when it comes. The record 1 of C at 11 comes at 25: the window that ends with it is over, and no other
 * exists. So it is missing in the windows that the next records create, although they still accept rows from 11 on.
 */
const DIFFERENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'KStreamSlidingWindowAggregateTest.testAggregateLargeInput[onClose]': { 'C 5 15': '0+1+2', 'C 6 16': '0+1+2+3' },
}

/** The rows of a case, as they are here. */
function goldens({ name }: KafkaCase, rows: readonly Golden[]): Row[] {
  const mended = rows.map(rowOfGolden).map((row) => ({ ...row, value: DIFFERENT[name]?.[windowOf(row)] ?? row.value }))
  return sorted(mended)
}

/** What Kafka Streams gives once all windows are over. */
const allOf = (given: KafkaCase): Row[] =>
  goldens(given, [...given.final.filter(({ from }) => from !== 'suppressed'), ...(given.atEnd ?? [])])

const windowOf = ({ key, start, end }: Row): string => `${key} ${start} ${end}`

/**
 * The results that a case speaks of. Kafka Streams has no windows that start before 0. Its sliding windows are those
 * of the hopping windows here that begin after a record, or end with one.
 */
function comparable(given: KafkaCase, rows: readonly Row[]): Row[] {
  const listed = new Set(allOf(given).map(windowOf))
  return sorted(rows.filter((row) => (given.window.kind === 'sliding' ? listed.has(windowOf(row)) : row.start >= 0)))
}

/** The table that results and what takes them back make. */
async function tableOf(t: TestDriver<KafkaRows>, given: KafkaCase): Promise<Row[]> {
  const table = new Map<string, Row>()
  const rowOf = rowOfResult(given.window)
  for (const { op, value } of await t.sink('out').changes()) {
    const row = rowOf(value)
    if (op === '-') expect(table.get(windowOf(row))).toEqual(row)
    if (op === '-') table.delete(windowOf(row))
    else table.set(windowOf(row), row)
  }
  return comparable(given, [...table.values()])
}

describe('windows of Kafka Streams', () => {
  it.each(named([...windowed, ...suppressed]))('%s: one result for each window', async (_, given) => {
    const t = sent(given, { emit: 'final' })
    const rows = async (): Promise<Row[]> =>
      comparable(given, (await t.sink('out').rows()).map(rowOfResult(given.window)))
    const due = given.output.filter(({ from }) => given.emit === 'onClose' || from === 'suppressed')
    if (given.emit !== 'onUpdate') expect(await rows()).toEqual(goldens(given, due))
    t.endOfInput()
    expect(await rows()).toEqual(allOf(given))
    expect(await t.deadLetters()).toEqual([])
    if (given.window.kind !== 'sliding') await t.everyWay(undefined, { runs: 1 })
  })

  it.each(named([...windowed, ...suppressed]))('%s: results on time and late ones', async (_, given) => {
    const t = sent(given, {})
    t.endOfInput()
    expect(await tableOf(t, given)).toEqual(allOf(given))
  })

  const unslid = [...windowed, ...suppressed].filter(({ window }) => window.kind !== 'sliding')
  it.each(named(unslid))('%s: early results, which are taken back', async (_, given) => {
    const t = sent(given, { early: { count: 1 }, accumulation: 'retracting' })
    t.endOfInput()
    expect(await tableOf(t, given)).toEqual(allOf(given))
  })
})

describe('tables of Kafka Streams', () => {
  it.each(named(tables))('%s: every change of every group', async (_, given) => {
    const t = testDriver<{ out: TableRow }>(tablePipeline(given))
    for (const [at, row] of given.input.entries()) t.source(changes).sendWith({ arrivedAt: at * UNIT }, row)
    t.endOfInput()
    const rows = (await t.sink('out').rows()).map((row) => ({ ...row, after: row.after / UNIT }))
    const byPlace = (a: TableRow, b: TableRow): number => a.after - b.after || (a.key < b.key ? -1 : 1)
    expect([...rows].sort(byPlace)).toEqual([...(given.output as readonly unknown[] as TableRow[])].sort(byPlace))
    const last = new Map(rows.map(({ key, value, timestamp }) => [key, { key, value, timestamp }]))
    expect([...last.values()].sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual(given.final)
    expect(await t.deadLetters()).toEqual([])
  })
})

describe('the cases of Kafka Streams', () => {
  it('are all run, and each name once', () => {
    const names = [...windowed, ...suppressed, ...tables].map(({ name }) => name)
    expect(new Set(names).size).toBe(25)
    expect([windowed.length, suppressed.length, tables.length]).toEqual([20, 2, 3])
  })

  it('differ where this file says so, and these rows are really there', () => {
    for (const [name, rows] of Object.entries(DIFFERENT)) {
      const given = windowed.find((one) => one.name === name)!
      const theirs = new Map(given.final.map(rowOfGolden).map((row) => [windowOf(row), row.value]))
      for (const [window, value] of Object.entries(rows)) {
        expect(theirs.get(window)).toEqual(expect.any(String))
        expect(theirs.get(window)).not.toBe(value)
      }
    }
  })
})
