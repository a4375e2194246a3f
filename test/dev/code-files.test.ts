import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { changedFiles, codeFiles } from '../../lib/dev/code-files.js'
import { millrace } from './cli.js'
import { testFolder, writeLines } from './folders.js'

const path = testFolder('code-files')
const lib = new URL('../../lib/index.ts', import.meta.url).href

/** A pipeline of two files of code, one of data, and a package. */
function write(threshold: string): void {
  writeFileSync(
    path('pipeline.mts'),
    `import { count, fileSource, ndjson, outOfOrder, pipeline, tumbling } from ${JSON.stringify(lib)}
import { keep } from './rule.mjs'
const clicks = fileSource<any>('clicks', { timestamp: (c: any) => c.t, watermark: outOfOrder('1s') })
export default pipeline('clicks', { deadLetter: ndjson('rejected'), keyGroups: 1 }, (p) =>
  p.from(clicks).filter(keep).keyBy((c) => c.k).window(tumbling('10s')).aggregate('counts', { n: count() }).to(ndjson('clicks')),
)
`,
  )
  writeFileSync(
    path('rule.mts'),
    `import { readFileSync } from 'node:fs'\nconst zones = readFileSync(new URL('./zones.txt', import.meta.url))\nexport const keep = (c: any) => c.v > ${threshold} && zones.length > 0\n`,
  )
  writeFileSync(path('zones.txt'), 'north')
  writeFileSync(path('other.mts'), 'export const unused = 1\n')
}
beforeEach(() => write('0.05'))

describe('the files of a pipeline', () => {
  it('are what it imports or reads by a relative path, and change by their contents', () => {
    const before = codeFiles(path('pipeline.mts'))
    expect(Object.keys(before).sort()).toEqual(['pipeline.mts', 'rule.mts', 'zones.txt'])
    // As a fresh checkout has them.
    utimesSync(path('rule.mts'), 1, 1)
    writeFileSync(path('other.mts'), 'export const unused = 2\n')
    expect(changedFiles(before, codeFiles(path('pipeline.mts')))).toEqual([])
    write('0.10')
    rmSync(path('zones.txt'))
    expect(changedFiles(before, codeFiles(path('pipeline.mts')))).toEqual(['rule.mts', 'zones.txt'])
    expect(codeFiles(path('nowhere.ts'))).toEqual({})
  })
})

describe('after an edit', () => {
  it('what older code gave is said to be so first, with the command that runs the new one', async () => {
    const input = writeLines(path('clicks.ndjson'), [
      { t: 1_000, k: 'a', v: 0.07 },
      { t: 2_000, k: 'b', v: 0.2 },
    ])
    const args = ['run', path('pipeline.mts'), '--input', `clicks=${input}`]
    args.push('--state', `lmdb:${path('a folder')}`, '--out', path('out'))
    const first = await millrace(...args)
    expect(first.out).toContain('clicks: 2 rows')
    expect((await millrace(...args)).err).not.toContain('older code')
    write('0.10')
    const second = await millrace(...args)
    const said = second.err.split('\n')[0]!
    expect(said).toMatch(
      /^These results were computed by older code: .*rule\.mts has changed since\. To run the current code: /,
    )
    const command = `millrace ${args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg)).join(' ')} --fresh`
    expect(said.slice(said.indexOf('current code: ') + 14)).toBe(command)
    expect(second.out).toContain('clicks: 2 rows')
    const json = await millrace(...args, '--json')
    expect(JSON.parse(json.out)).toMatchObject({ alreadyComplete: true, changed: ['rule.mts'] })
    // A process loads a module once: that new code is run, the test of --watch shows.
    expect((await millrace(...args, '--fresh')).err).not.toContain('older code')
  })

  it('--watch of a table that others may share is refused', async () => {
    const args = ['run', path('pipeline.mts'), '--input', 'clicks=x', '--watch', '--state', 'dynamodb:orders']
    const { code, err } = await millrace(...args)
    expect([code, err]).toEqual([2, expect.stringMatching(/^error: --watch starts over at each save, but the table/)])
  })
})
