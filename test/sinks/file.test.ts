import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ndjson } from '../../lib/index.js'
import { fileSink } from '../../lib/sinks/file/adapter.js'
import { collectInto, collectParts } from '../../lib/sinks/file/parts.js'
import { describeSink, part, range } from './conformance.js'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-file-sink-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

let folders = 0
const newFolder = (): string => join(root, `sink.${folders++}`, 'parts')

async function rowsOf(folder: string): Promise<unknown[]> {
  const rows: unknown[] = []
  for await (const line of collectParts(folder)) rows.push(JSON.parse(line))
  return rows
}

describeSink(
  'file',
  () => {
    const folder = newFolder()
    return { open: () => fileSink(folder), rows: () => rowsOf(folder) }
  },
  { exactlyOnce: true },
)

/** A pid that no process has, because it is larger than kernels assign. */
const DEAD_PID = 2 ** 22 + 12_345

describe('a file sink after a crash between write and rename', () => {
  it('invariant 9: takes away what a dead process left half-written, and writes that part anew', async () => {
    const folder = newFolder()
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `o.op.a.ndjson.${DEAD_PID}-0.tmp`), '[1,')
    await writeFile(join(folder, 'o.op.b.ndjson.tmp'), '[1,')
    const sink = await fileSink(folder)
    expect(await readdir(folder)).toEqual([])
    await sink.write([part('a', [[1, 2]])])
    expect(await readdir(folder)).toEqual(['o.op.a.ndjson'])
    expect(await rowsOf(folder)).toEqual([[1, 2]])
  })

  it('leaves alone what a live process is writing, and never writes into it', async () => {
    const folder = newFolder()
    await mkdir(folder, { recursive: true })
    const others = [`o.op.a.ndjson.${process.ppid}-0.tmp`, `o.op.a.ndjson.${process.pid}-0.tmp`]
    for (const name of others) await writeFile(join(folder, name), '[1,')
    const sink = await fileSink(folder)
    await sink.write([part('a', [[1, 2]])])
    expect((await readdir(folder)).sort()).toEqual(['o.op.a.ndjson', ...others].sort())
    for (const name of others) expect(await readFile(join(folder, name), 'utf8')).toBe('[1,')
    expect(await rowsOf(folder)).toEqual([[1, 2]])
  })

  it('a write that fails leaves nothing half-written', async () => {
    const folder = newFolder()
    const sink = await fileSink(folder)
    await mkdir(join(folder, 'o.op.a.ndjson', 'in the way'), { recursive: true })
    await expect(sink.write([part('a', [1])])).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
    expect(await readdir(folder)).toEqual(['o.op.a.ndjson'])
  })
})

describe('the parts of a file sink', () => {
  it('are whole whenever one looks, with eight sinks of one process at the same parts', async () => {
    const folder = newFolder()
    const rows = Array.from({ length: 400 }, (_, i) => ({ i, text: 'x'.repeat(100) }))
    const parts = Array.from({ length: 6 }, (_, i) => part(`p${i}`, rows))
    const sinks = await Promise.all(Array.from({ length: 8 }, () => fileSink(folder)))
    let writing = true
    let looks = 0
    const looking = (async () => {
      while (writing) {
        for (const name of (await readdir(folder)).filter((name) => name.endsWith('.ndjson'))) {
          const lines = (await readFile(join(folder, name), 'utf8')).split('\n').map((line) => line && JSON.parse(line))
          expect(lines.pop(), name).toBe('')
          if (name.startsWith('o.')) expect(lines, name).toHaveLength(400)
          else expect(lines.at(-1).order, name).toBe(lines[0].to)
          looks++
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    await Promise.all(sinks.map((sink) => sink.write(parts)))
    await Promise.all(sinks.map((sink, i) => sink.write([range('s', 0, 100 + i), range('s', 100 + i, 200)])))
    writing = false
    await looking
    expect(looks).toBeGreaterThan(0)
    expect(await readdir(folder)).not.toContainEqual(expect.stringMatching(/\.tmp$/))
    expect(await rowsOf(folder)).toHaveLength(6 * 400 + 200)
  })

  it('read by operator, slice and key hash, whatever the names of the operators have in common', async () => {
    const folder = newFolder()
    const sink = await fileSink(folder)
    const operators = ['a', 'a-b', 'a.18bgow2fmo0', 'a.z', 'b']
    const parts = operators.flatMap((operator) =>
      ['18bgow2fmo0-00000000', '18bgow2fmo0-80000000', '18bgow4ksg0-00000000'].map((name) =>
        part(name, [[operator, name]], operator),
      ),
    )
    await sink.write([range('later', 0, 1), ...[...parts].reverse()])
    expect(await rowsOf(folder)).toEqual([...parts.map((batch) => batch.rows[0]!.value), 'later:0'])
  })

  it('rows of splits read by position, then by id', async () => {
    const folder = newFolder()
    const sink = await fileSink(folder)
    await sink.write([range('s2', 0, 3), range('s1', 1, 4), range('s10', 2, 3)])
    expect(await rowsOf(folder)).toEqual(['s2:0', 's1:1', 's2:1', 's1:2', 's10:2', 's2:2', 's1:3'].sort(byPlace))
  })

  const byPlace = (a: string, b: string): number => {
    const [x, y] = [a.split(':'), b.split(':')]
    // The id is split/position/n, and '/' sorts before every digit.
    return Number(x[1]) - Number(y[1]) || (`${x[0]}/` < `${y[0]}/` ? -1 : 1)
  }
})

describe('the readable file', () => {
  it('is written whole or not at all, and says why not', async () => {
    const folder = newFolder()
    await (await fileSink(folder)).write([part('a', [1, 2])])
    await expect(collectInto(folder, join(root, 'no such folder', 'out.ndjson'))).rejects.toThrow('ENOENT')
    const file = join(root, 'whole.ndjson')
    expect(await collectInto(folder, file)).toBe(2)
    expect(await readFile(file, 'utf8')).toBe('1\n2\n')
    expect(await collectInto(join(root, 'nothing here'), file)).toBe(0)
    expect(await readFile(file, 'utf8')).toBe('')
    expect((await readdir(root)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('is more than one chunk of text', async () => {
    const folder = newFolder()
    const long = Array.from({ length: 50 }, (_, i) => `${i}${'ü'.repeat(20_000)}`)
    await (await fileSink(folder)).write([part('a', long)])
    const file = join(root, 'long.ndjson')
    expect(await collectInto(folder, file)).toBe(50)
    expect(await readFile(file, 'utf8')).toBe(long.map((text) => `${JSON.stringify(text)}\n`).join(''))
  })

  it('ndjson() puts parts where its directory says', async () => {
    const directory = join(root, 'named')
    const sink = await ndjson('hourly', { directory }).open({ pipeline: 'p', run: 1 })
    await sink.write([part('a', [1])])
    expect(await rowsOf(join(directory, 'hourly'))).toEqual([1])
  })
})
