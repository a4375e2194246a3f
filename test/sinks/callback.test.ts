import { describe, expect, it } from 'vitest'
import { callback } from '../../lib/index.js'
import type { SinkRow } from '../../lib/ports/index.js'
import { describeSink, part, range } from './conformance.js'

const context = { pipeline: 'p', run: 1 }

describeSink(
  'callback',
  () => {
    const rows: unknown[] = []
    const node = callback('rows', (more) => {
      rows.push(...more.map((row) => JSON.parse(JSON.stringify(row.value) ?? 'null')))
    })
    return { open: () => node.open(context), rows: async () => rows }
  },
  { exactlyOnce: false },
)

describe('a callback', () => {
  it('gets the ids that make a repeat known, one batch after another', async () => {
    const calls: string[] = []
    const node = callback('rows', async (rows: readonly SinkRow[]) => {
      calls.push(`begin ${rows[0]?.id}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
      calls.push(`end ${rows.length}`)
    })
    await (await node.open(context)).write([part('a', [1, 2]), range('s', 0, 1)])
    expect(calls).toEqual(['begin op/a/0', 'end 2', 'begin s/00000000000000000000/0', 'end 1'])
  })

  it('that throws fails the write, and nothing after it is called', async () => {
    const seen: unknown[] = []
    const node = callback('rows', (rows) => {
      seen.push(rows[0]!.value)
      if (rows[0]!.value === 'bad') throw new Error('the pager is down')
    })
    const sink = await node.open(context)
    await expect(sink.write([part('a', ['good']), part('b', ['bad']), part('c', ['later'])])).rejects.toThrow(
      'The function of callback("rows") threw: the pager is down',
    )
    expect(seen).toEqual(['good', 'bad'])
  })

  it('that is no function is refused', () => {
    expect(() => callback('rows', 5 as never)).toThrow('callback("rows") needs a function of rows; it got number.')
  })
})
