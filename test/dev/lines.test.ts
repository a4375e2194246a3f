import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { checkInput, type Line, linesOf } from '../../lib/dev/input/lines.js'
import { testFolder } from './folders.js'

const path = testFolder('lines')

async function linesIn(name: string, content: string | Buffer): Promise<Line[]> {
  writeFileSync(path(name), content)
  const lines: Line[] = []
  for await (const line of linesOf(path(name))) lines.push(line)
  return lines
}

describe('the lines of an input', () => {
  it.each([
    ['LF', 'a\nb\n', ['a', 'b']],
    ['CRLF', 'a\r\nb\r\n', ['a', 'b']],
    ['no newline at the end', 'a\nb', ['a', 'b']],
    ['empty lines', '\n\na\n\r\n\nb\n\n', ['a', 'b']],
    ['nothing', '', []],
    ['only newlines', '\n\r\n', []],
    [
      'separators that JSON allows in a line',
      '{"a":"x\u2028y\u2029z",\r"b":1}\n2\n',
      ['{"a":"x\u2028y\u2029z",\r"b":1}', '2'],
    ],
  ])('%s', async (_, content, lines) => {
    expect(await linesIn('plain', content)).toEqual(lines)
    expect(await linesIn('packed.gz', gzipSync(content))).toEqual(lines)
  })

  it('are whole wherever the file is read in pieces', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => `${i} ${'ü😀'.repeat(i % 7)}`)
    expect(await linesIn('long', lines.join('\r\n'))).toEqual(lines)
    const wide = ['x'.repeat(300_000), 'ü'.repeat(300_000)]
    expect(await linesIn('wide.gz', gzipSync(wide.join('\n')))).toEqual(wide)
  })

  it.each([
    ['text in its place', 'not gzip'],
    ['half of it', gzipSync('a\n'.repeat(10_000)).subarray(0, 30)],
  ])('a .gz with %s is refused with words', async (_, content) => {
    await expect(linesIn('bad.gz', content)).rejects.toThrow(
      /^The input .*bad\.gz cannot be read: .*\. Is it gzip data\?$/,
    )
  })

  it('what is not there, or is no file, is refused before anything starts', () => {
    expect(() => checkInput(path('nowhere'))).toThrow(
      `The input ${path('nowhere')} does not exist. Give an NDJSON file, plain or gzipped.`,
    )
    expect(() => checkInput(path())).toThrow('is not a file. Give an NDJSON file, plain or gzipped.')
  })

  const rows = ['{"a":1}', '{"a":"}{"}', '{"a":[2]}']
  const pretty = rows.map((row) => JSON.stringify(JSON.parse(row), undefined, 2))
  it.each<[string, string, readonly string[]]>([
    ['an array over lines', `[${rows.join(',\n')}]`, rows],
    ['an array in one line', `[${rows.join()}]\n`, rows],
    ['an array, indented, with a mark', `\ufeff[\n ${rows.join(',\n ')}\n]\n`, rows],
    ['an array of more than objects', `[\n${rows[0]},\n12,"x",\ntrue,[1]]`, [rows[0]!, '12', '"x"', 'true', '[1]']],
    ['values over several lines', pretty.join('\n'), pretty],
    ['values one right after the other', rows.join(''), rows],
    ['a line that is a list of numbers', '[1,2]', ['[1,2]']],
    ['lines that are lists', '[{"a":1}]\n[{"a":2}]', ['[{"a":1}]', '[{"a":2}]']],
    ['lines of which the first is bad', `{"a":\n${rows[0]}\n{`, ['{"a":', rows[0]!, '{']],
    ['lines after a mark', `\ufeff${rows.join('\n')}`, [`\ufeff${rows[0]}`, ...rows.slice(1)]],
  ])('are the records of %s', async (_, content, wanted) => {
    expect(await linesIn('plain', content)).toEqual(wanted)
    expect(await linesIn('packed', gzipSync(content))).toEqual(wanted)
  })

  it('are whole where an array is read in pieces', async () => {
    const many = Array.from({ length: 60_000 }, (_, i) => JSON.stringify({ i, text: '"\\]},ü😀'.repeat(i % 5) }))
    expect(await linesIn('array', `[\n${many.join(',\n')}\n]`)).toEqual(many)
    expect(await linesIn('row', many.join(''))).toEqual(many)
  })

  it('are bytes where they are no UTF-8', async () => {
    const bad = Buffer.from('{"id":"Zoë"}', 'latin1')
    expect(await linesIn('latin1', Buffer.concat([bad, Buffer.from('\n{}\n')]))).toEqual([bad, '{}'])
  })

  it('in UTF-16 are refused with the way out', async () => {
    await expect(linesIn('utf16', Buffer.from('\ufeff{}\n', 'utf16le'))).rejects.toThrow(
      'is text in UTF-16; records are UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 FILE.',
    )
  })
})
