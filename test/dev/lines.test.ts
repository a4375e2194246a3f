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
    expect(() => checkInput(path())).toThrow('is no file. Give an NDJSON file, plain or gzipped.')
  })
})
