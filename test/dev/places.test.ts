import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { linesOf } from '../../lib/dev/input/lines.js'
import { placesOf, recordAt } from '../../lib/dev/input/places.js'
import { StreamInput } from '../../lib/dev/input/stream-input.js'
import { kinesisSource, outOfOrder } from '../../lib/index.js'
import { testFolder } from './folders.js'

const path = testFolder('places')

async function numbered(name: string, content: string | Buffer): Promise<[number, string][]> {
  writeFileSync(path(name), content)
  const at = { line: 0 }
  const found: [number, string][] = []
  for await (const record of linesOf(path(name), at)) found.push([at.line, String(record)])
  return found
}

describe('the line on which a record begins', () => {
  it.each<[string, string, [number, string][]]>([
    [
      'lines, some of them empty',
      '\n1\r\n\n\n2\n3',
      [
        [2, '1'],
        [5, '2'],
        [6, '3'],
      ],
    ],
    [
      'an array over lines',
      '\n[{"a":1},\n{"a":\n2}\n,\n\n{"a":3}]\n',
      [
        [2, '{"a":1}'],
        [3, '{"a":\n2}'],
        [7, '{"a":3}'],
      ],
    ],
    [
      'values one after the other',
      '{\n"a":1}{"a":2}\n\n{"a":"\\n"}',
      [
        [1, '{\n"a":1}'],
        [2, '{"a":2}'],
        [4, '{"a":"\\n"}'],
      ],
    ],
  ])('%s', async (_, text, wanted) => {
    expect(await numbered('plain', text)).toEqual(wanted)
    expect(await numbered('packed.gz', gzipSync(text))).toEqual(wanted)
  })

  it('wherever the file is read in pieces', async () => {
    const values = Array.from({ length: 30_000 }, (_, i) => `{\n"i": ${i},\n"text": "${'x'.repeat(i % 50)}"\n}`)
    const found = await numbered('long', values.join('\n\n'))
    expect(found).toHaveLength(values.length)
    for (const [i, [line]] of found.entries()) if (line !== 1 + i * 5) throw new Error(`value ${i} is on line ${line}`)
  })
})

describe('records of a local run and their lines', () => {
  const files = [path('a.ndjson'), path('b.ndjson')]
  const lines = files.map((_, f) =>
    Array.from({ length: 200 }, (_, i) => (i % 7 === 3 ? '' : JSON.stringify({ t: i, k: `${f} ${i % 31}` }))),
  )
  const source = kinesisSource('clicks', {
    timestamp: (r: { t: number; k: string }) => r.t,
    watermark: outOfOrder('1s'),
    partitionKey: (r) => r.k,
  })

  it('are told apart in both directions, over files and splits', async () => {
    for (const [f, file] of files.entries()) writeFileSync(file, lines[f]!.join('\n'))
    const input = new StreamInput(source, files, 3, () => 0)
    await input.read()
    const wanted = new Map(
      input.logs.map((log) => [log.split, new Set(Array.from({ length: log.total }, (_, i) => i))]),
    )
    const places = await placesOf(input, wanted)
    let records = 0
    for (const log of input.logs) {
      for (let index = 0; index < log.total; index++) {
        const { file, line } = places.get(log.split)!.get(index)!
        expect(lines[files.indexOf(file)]![line - 1]).toBe(log.line(index))
        if (index % 40 === 0) expect(await recordAt(input, file, line)).toEqual({ split: log.split, index })
        records++
      }
    }
    expect(records).toBe(lines.flat().filter((line) => line !== '').length)
    expect(await input.placeOf(input.logs[0]!.split, 10_000)).toBeUndefined()
    expect(await recordAt(input, files[1]!, 201)).toBeUndefined()
  })
})
