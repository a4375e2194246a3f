import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { built } from '../services/built.js'
import type { Outcome } from './cli.js'
import { testFolder, writeLines } from './folders.js'

const path = testFolder('cli-process')
const lib = pathToFileURL(built('lib/index.js')).href

/** The command line in a process of its own; `act` gets its standard error as it comes. */
function millrace(
  args: readonly string[],
  act: (kill: (signal: NodeJS.Signals) => void, err: string, out: string) => void = () => undefined,
) {
  const child = spawn(process.execPath, [built('lib/dev/cli/main.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    err += String(chunk)
    act((signal) => child.kill(signal), err, out)
  })
  return new Promise<Outcome>((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

/** TypeScript that only a compiler takes away. */
const typed = (body = ''): string => `
import { count, fileSource, ndjson, outOfOrder, pipeline, tumbling } from ${JSON.stringify(lib)}
interface Click { readonly t: number; readonly k: string }
enum Unit { Second = 1_000 }
const clicks = fileSource<Click>('clicks', {
  timestamp: (c: Click): number => { ${body} return c.t * Unit.Second },
  watermark: outOfOrder('1s'),
})
export default pipeline('typed', { deadLetter: ndjson('rejected'), keyGroups: 1 }, (p) =>
  p.from(clicks).keyBy((c) => c.k).window(tumbling('10s')).aggregate('counts', { n: count() }).to(ndjson('clicks')),
)
`

describe('the millrace command', () => {
  it('runs a TypeScript pipeline, names a syntax error, and says how it is used', async () => {
    writeFileSync(path('typed.ts'), typed())
    writeFileSync(path('broken.ts'), 'export default pipeline(\n')
    const input = writeLines(path('in.ndjson'), [
      { t: 1, k: 'a' },
      { t: 2, k: 'a' },
    ])
    const [ran, broken, nothing] = await Promise.all([
      millrace([
        'run',
        path('typed.ts'),
        '--input',
        `clicks=${input}`,
        '--state',
        'memory',
        '--out',
        path('out'),
        '--json',
      ]),
      millrace(['describe', path('broken.ts')]),
      millrace([]),
    ])
    expect(ran.code, ran.err).toBe(0)
    expect(JSON.parse(ran.out)).toMatchObject({ pipeline: 'typed', complete: true, delivered: 2 })
    expect(JSON.parse(readFileSync(path('out', 'clicks.ndjson'), 'utf8'))).toMatchObject({ key: 'a', value: { n: 2 } })
    expect(broken.code).toBe(2)
    expect(broken.err).toMatch(/^error: The pipeline file .*broken\.ts cannot be loaded: /)
    expect([nothing.code, nothing.out]).toEqual([2, ''])
    expect(nothing.err).toContain('Usage: millrace')
  })

  it('invariant 11: Ctrl-C ends it in order with 130, and run again it goes on to the end', async () => {
    // It stands still until the signal is on its way: it cannot be faster than whoever stops it.
    const sent = path('signal-sent')
    const wait = `process.stderr.write('STOP ME\\n'); while (!existsSync(${JSON.stringify(sent)}));`
    writeFileSync(path('slow.ts'), `import { existsSync } from 'node:fs'\n${typed(`if (c.t === 300) { ${wait} }`)}`)
    const records = 2_000
    const input = writeLines(
      path('slow.ndjson'),
      Array.from({ length: records }, (_, t) => ({ t, k: `k${t % 9}` })),
    )
    const args = ['run', path('slow.ts'), '--input', `clicks=${input}`, '--batch', '50']
    args.push('--state', `lmdb:${path('slow', 'state')}`, '--out', path('slow', 'out'))
    let stopped = false
    const first = await millrace(args, (kill, err) => {
      if (stopped || !err.includes('STOP ME')) return
      stopped = true
      kill('SIGINT')
      writeFileSync(sent, '')
    })
    expect(first.code, first.err).toBe(130)
    expect(first.out).toContain('Stopped before the end; watermark')
    const second = await millrace([...args, '--json'])
    expect(second.code).toBe(0)
    expect(JSON.parse(second.out)).toMatchObject({ complete: true, alreadyComplete: false })
    const rows = readFileSync(path('slow', 'out', 'clicks.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
    expect(rows.reduce((sum, row) => sum + JSON.parse(row).value.n, 0)).toBe(records)
  })

  it('--watch runs again at each save, says what a broken one lacks, and ends by Ctrl-C', async () => {
    const input = writeLines(path('watched.ndjson'), [{ t: 1, k: 'a' }])
    const rule = (n: number): string => `export const keep = (row) => row.value.n > ${n}\n`
    writeFileSync(path('rule.ts'), rule(0))
    writeFileSync(
      path('watched.ts'),
      `import { keep } from './rule.js'\n${typed().replace('.to(ndjson', '.filter(keep).to(ndjson')}`,
    )
    // What is done once a round is over; the last of them is the end.
    const saves = [
      () => writeFileSync(path('rule.ts'), rule(1)),
      () => writeFileSync(path('rule.ts'), 'export const keep = (\n'),
      () => {
        writeFileSync(path('rule.ts'), rule(0))
        writeLines(input, [
          { t: 1, k: 'a' },
          { t: 2, k: 'b' },
        ])
      },
    ]
    let rounds = 0
    const args = ['run', path('watched.ts'), '--input', `clicks=${input}`, '--watch']
    args.push('--state', `lmdb:${path('watched', 'state')}`, '--out', path('watched', 'out'))
    const { code, out, err } = await millrace(args, (kill, err) => {
      if (err.split('Saving one of them starts the run again; press Ctrl-C to end.').length - 1 === rounds) return
      const save = saves[rounds++]
      if (save === undefined) kill('SIGINT')
      else save()
    })
    expect(code, err).toBe(0)
    expect([...out.matchAll(/^results +clicks: (\d) rows?/gm)].map(([, rows]) => Number(rows))).toEqual([1, 0, 2])
    const said = err.split('\n').filter((line) => /Watching|changed|^error/.test(line))
    const watching = 'Watching 3 files. Saving one of them starts the run again; press Ctrl-C to end.'
    const saved = expect.stringMatching(/rule\.ts.* changed: running again\.$/)
    const broken = expect.stringMatching(/^error: The pipeline file .*watched\.ts cannot be loaded: /)
    expect(said).toEqual([watching, saved, watching, saved, broken, watching, saved, watching])
  })
})
