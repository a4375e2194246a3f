import { afterEach, describe, expect, it } from 'vitest'
import type { OperatorBatch, Sink, SinkRow, SplitRows } from '../../lib/ports/index.js'

/** A destination for rows, and how to read it. */
export interface SinkPlace {
  /** Opens a sink on the destination: a new one each time, as another process would, or one after a crash. */
  open(): Promise<Sink>
  /** The rows that a reader finds, in order. */
  rows(): Promise<readonly unknown[]>
}

/** The guarantees that a sink declares beyond "at least once". Tests of other guarantees are skipped by name. */
export interface SinkCapabilities {
  readonly exactlyOnce: boolean
  /**
   * How many rows the suite writes at once. A destination with one object for each row is given fewer. Default 20,000.
   */
  readonly rowsAtOnce?: number
}

export const part = (name: string, values: readonly unknown[], operator = 'op'): OperatorBatch => ({
  kind: 'operator',
  operator,
  part: name,
  rows: values.map((value, i) => ({ id: `${operator}/${name}/${i}`, value, order: '' })),
})

/** The position of a record, in the format of Kafka and files. */
export const position = (index: number): string => String(index).padStart(20, '0')

/** Rows of the records from `from` up to, but not including, `to`. `each` defines the rows of a record. */
export function range(
  split: string,
  from: number,
  to: number,
  each: (index: number) => readonly unknown[] = (index) => [`${split}:${index}`],
): SplitRows {
  const rows: SinkRow[] = []
  for (let index = from; index < to; index++)
    for (const [n, value] of each(index).entries())
      rows.push({ id: `${split}/${position(index)}/${n}`, value, order: position(index) })
  return { kind: 'split', split, from: from === 0 ? '0' : position(from - 1), to: position(to - 1), rows }
}

/** The suite that every sink runs. */
export function describeSink(name: string, place: () => SinkPlace, capabilities: SinkCapabilities): void {
  const opened: Sink[] = []
  const open = async (at: SinkPlace): Promise<Sink> => {
    const sink = await at.open()
    opened.push(sink)
    return sink
  }
  afterEach(async () => {
    for (const sink of opened.splice(0)) await sink.close()
  })
  const once = (title: string, test: () => Promise<void>): void => {
    if (capabilities.exactlyOnce) it(title, test)
    else it.skip(`${title} [${name} declares no more than at least once]`, test)
  }

  describe(`${name}: at least once`, () => {
    it('a write that returned is there, row by row, in the order of the rows', async () => {
      const at = place()
      const sink = await open(at)
      await sink.write([part('a', [1, 2, 3]), part('b', [4])])
      await sink.write([range('s', 0, 3)])
      expect(await at.rows()).toEqual([1, 2, 3, 4, 's:0', 's:1', 's:2'])
    })

    it('nothing to write writes nothing', async () => {
      const at = place()
      const sink = await open(at)
      await sink.write([])
      await sink.write([part('a', []), range('s', 0, 0)])
      expect(await at.rows()).toEqual([])
    })

    it('values are as JSON has them, whatever text they hold', async () => {
      const values = [
        null,
        '',
        'a\nb\r\nc',
        '\u2028\u2029',
        '😀\ud800',
        -0,
        1e300,
        [],
        { deep: [{ x: null }] },
        undefined,
      ]
      const plain = values.map((value) => JSON.parse(JSON.stringify(value) ?? 'null'))
      const at = place()
      const sink = await open(at)
      await sink.write([part('a', values)])
      await sink.write([range('s', 0, values.length, (index) => [values[index]])])
      expect(await at.rows()).toEqual([...plain, ...plain])
    })

    it('many rows at once', async () => {
      const { rowsAtOnce = 20_000 } = capabilities
      const each = rowsAtOnce / 4
      const at = place()
      const sink = await open(at)
      const numbers = (from: number): number[] => Array.from({ length: each }, (_, i) => from + i)
      await sink.write([0, 1, 2, 3].map((i) => part(`p${i}`, numbers(i * each))))
      expect(await at.rows()).toEqual(Array.from({ length: rowsAtOnce }, (_, i) => i))
    })

    it('what is written again is there at least once', async () => {
      const at = place()
      for (let attempt = 0; attempt < 2; attempt++) await (await open(at)).write([part('a', [1, 2]), range('s', 0, 2)])
      expect(new Set(await at.rows())).toEqual(new Set([1, 2, 's:0', 's:1']))
    })

    it('closes', async () => {
      const sink = await place().open()
      await sink.close()
    })
  })

  describe(`${name}: exactly once`, () => {
    once('invariant 8: the same part of an operator twice, by one sink and by another, is there once', async () => {
      const at = place()
      const [first, second] = [await open(at), await open(at)]
      const batch = part('a', [1, 2])
      for (const sink of [first, first, second]) await sink.write([batch])
      await Promise.all([first.write([part('b', [3]), batch]), second.write([part('b', [3])])])
      await (await open(at)).write([batch])
      expect(await at.rows()).toEqual([1, 2, 3])
    })

    once('invariant 8: parts in any order read as one order', async () => {
      const orders = [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [2, 0, 3, 1],
      ]
      for (const order of orders) {
        const at = place()
        const sink = await open(at)
        for (const i of order) await sink.write([part(`p${i}`, [`${i}a`, `${i}b`])])
        expect(await at.rows()).toEqual(['0a', '0b', '1a', '1b', '2a', '2b', '3a', '3b'])
      }
    })

    once('invariant 3: rows of a split that come again, cut otherwise, are there once', async () => {
      const at = place()
      const sink = await open(at)
      await sink.write([range('s', 0, 5)])
      await sink.write([range('s', 0, 3)])
      await sink.write([range('s', 3, 8)])
      await sink.write([range('s', 0, 8)])
      expect(await at.rows()).toEqual(Array.from({ length: 8 }, (_, i) => `s:${i}`))
    })

    once('invariant 3: a zombie beside its successor, with ranges that overlap', async () => {
      const at = place()
      const zombie = await open(at)
      const successor = await open(at)
      await successor.write([range('s', 0, 3)])
      await zombie.write([range('s', 0, 5)])
      await successor.write([range('s', 3, 9)])
      await zombie.write([range('s', 5, 7)])
      await zombie.write([range('s', 7, 12)])
      await (await open(at)).write([range('s', 9, 12)])
      expect(await at.rows()).toEqual(Array.from({ length: 12 }, (_, i) => `s:${i}`))
    })

    once('invariant 3: several ranges of a split in one write that fails half-way', async () => {
      const at = place()
      const all = [range('s', 0, 2), range('s', 2, 4), range('s', 4, 6)]
      const broken = {
        value: 1,
        get id(): string {
          throw new Error('no id')
        },
        get order(): string {
          throw new Error('out of order')
        },
      }
      const poisoned = { ...all[0]!, rows: [broken] }
      const sink = await open(at)
      await expect(sink.write([poisoned, all[1]!, all[2]!])).rejects.toThrow()
      // Gives writes that are still running time to finish.
      await new Promise((resolve) => setTimeout(resolve, 20))
      await sink.write([range('s', 0, 6)])
      expect(await at.rows()).toEqual(Array.from({ length: 6 }, (_, i) => `s:${i}`))
    })

    once('several rows of one record have its position, and all are kept, once', async () => {
      const each = (index: number): string[] => Array.from({ length: index % 4 }, (_, n) => `${index}.${n}`)
      const at = place()
      const sink = await open(at)
      await sink.write([range('s', 0, 6, each)])
      await (await open(at)).write([range('s', 0, 9, each)])
      expect(await at.rows()).toEqual(range('s', 0, 9, each).rows.map((row) => row.value))
    })

    once('splits of any name, odd and long, keep apart', async () => {
      const names = [
        'a/b',
        'a\\b',
        '..',
        'x\u2028y',
        'ümlaut',
        '😀',
        's',
        'S',
        ' ',
        `long${'x'.repeat(5_000)}`,
        'con:1',
        '\ud800',
      ]
      const at = place()
      const sink = await open(at)
      for (const split of names) await sink.write([range(split, 0, 2, (index) => [[split, index]])])
      for (const split of names) await (await open(at)).write([range(split, 0, 3, (index) => [[split, index]])])
      const rows = (await at.rows()) as [string, number][]
      expect(rows).toHaveLength(names.length * 3)
      for (const split of names) expect(rows.filter((row) => row[0] === split).map((row) => row[1])).toEqual([0, 1, 2])
    })
  })
}
