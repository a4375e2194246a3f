import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { millrace } from './cli.js'
import { testFolder, writeLines } from './folders.js'

const path = testFolder('cli')
const lib = new URL('../../lib/index.ts', import.meta.url).href

/** A pipeline's file: clicks of a file source, counted by key in ten seconds. */
const source = (partitionKey = true): string => `
import { count, fileSource, ndjson, outOfOrder, pipeline, tumbling } from ${JSON.stringify(lib)}
const clicks = fileSource('clicks', {
  timestamp: (c) => c.t,
  watermark: outOfOrder('1s'),
  ${partitionKey ? 'partitionKey: (c) => c.k,' : ''}
})
export default pipeline('clicks', { deadLetter: ndjson('rejected'), keyGroups: 1 }, (p) =>
  p.from(clicks).keyBy((c) => c.k).window(tumbling('10s')).aggregate('counts', { n: count() }).to(ndjson('clicks')),
)
`

const pipeline = path('pipeline.js')
const input = path('clicks.ndjson')
beforeAll(() => {
  writeFileSync(pipeline, source())
  writeFileSync(path('keyless.js'), source(false))
  writeFileSync(path('empty.js'), 'export const clicks = 1\n')
  writeFileSync(path('other.js'), 'export default { kind: "cake" }\n')
  writeFileSync(path('broken.js'), 'export default pipeline(\n')
  writeFileSync(path('throws.js'), 'throw new Error("no database today")\n')
  writeFileSync(path('wrong.js'), source().replace("tumbling('10s')", "tumbling('10 bananas')"))
  writeLines(input, [
    { t: 1_000, k: 'a' },
    { t: 2_000, k: 'b' },
    { t: 12_000, k: 'a' },
  ])
  writeFileSync(path('text.ndjson.gz'), 'this is no gzip')
  mkdirSync(path('folder'))
  mkdirSync(path('state'))
})

afterEach(() => void vi.unstubAllEnvs())

let runs = 0
/** Arguments of a run of its own: nothing of it is shared. */
const run = (...more: string[]): string[] => {
  const name = `run${runs++}`
  return ['run', pipeline, '--state', 'memory', '--out', path(name), ...more]
}
const given = (...more: string[]): string[] => run('--input', `clicks=${input}`, ...more)

type Row = readonly [what: string, args: () => string[], code: number, stderr: RegExp]

describe('wrong arguments end with 2 and a sentence that says what is right', () => {
  const rows: readonly Row[] = [
    ['no command', () => [], 2, /Usage: millrace \[options\] \[command\]/],
    ['an unknown command', () => ['fly'], 2, /error: unknown command 'fly'[\s\S]*millrace --help lists the commands/],
    ['a mistyped command', () => ['rum'], 2, /Did you mean run\?/],
    ['an unknown option', () => given('--speed', '9'), 2, /error: unknown option '--speed'[\s\S]*millrace --help/],
    ['no pipeline', () => ['run'], 2, /error: missing required argument 'pipeline'/],
    ['splits without a command', () => ['splits'], 2, /Usage: millrace splits/],
    [
      'a pipeline that is not there',
      () => ['run', path('nowhere.ts')],
      2,
      /^error: The pipeline file .*nowhere\.ts does not exist\. Give the path of a \.ts or \.js file\.\n$/,
    ],
    [
      'a folder as pipeline',
      () => ['describe', path('folder')],
      2,
      /^error: The pipeline file .*folder cannot be loaded: /,
    ],
    [
      'a file without a default export',
      () => ['run', path('empty.js')],
      2,
      /^error: The file .*empty\.js must have a pipeline as its default export: export default pipeline\('name', p => \.\.\.\)\.\n$/,
    ],
    [
      'a default export that is none',
      () => ['describe', path('other.js')],
      2,
      /must have a pipeline as its default export/,
    ],
    [
      'a syntax error',
      () => ['describe', path('broken.js')],
      2,
      /^error: The pipeline file .*broken\.js cannot be loaded: /,
    ],
    ['a pipeline that throws', () => ['describe', path('throws.js')], 2, /cannot be loaded: no database today\n$/],
    ['a pipeline that cannot work', () => ['describe', path('wrong.js')], 2, /^error: .*"10 bananas"/],
    ['no input', () => run(), 2, /^error: The source "clicks" has no input\. Add --input clicks=FILE\.\n$/],
    [
      'an unknown source',
      () => given('--input', `clocks=${input}`),
      2,
      /^error: --input names the source "clocks"; the sources of pipeline "clicks" are clicks\.\n$/,
    ],
    [
      'a source of a curious name',
      () => given('--input', `constructor=${input}`, '--input', `__proto__=${input}`),
      2,
      /--input names the source "constructor"; the sources of pipeline "clicks" are clicks/,
    ],
    [
      'an input without =',
      () => run('--input', input),
      2,
      /^error: --input must be SOURCE=FILE, such as orders=orders\.ndjson\.gz; it is ".*clicks\.ndjson"\.\n$/,
    ],
    ['an input without a file', () => run('--input', 'clicks='), 2, /--input must be SOURCE=FILE/],
    [
      'an input that is not there',
      () => run('--input', `clicks=${path('no.ndjson')}`),
      2,
      /^error: The input .*no\.ndjson does not exist\. Give an NDJSON file, plain or gzipped\.\n$/,
    ],
    [
      'an input that is a folder',
      () => run('--input', `clicks=${path('folder')}`),
      2,
      /^error: The input .*folder is not a file\./,
    ],
    [
      'an input that is no gzip',
      () => run('--input', `clicks=${path('text.ndjson.gz')}`),
      2,
      /^error: The input .*text\.ndjson\.gz cannot be read: .*Is it gzip data\?\n$/,
    ],
    [
      'no splits',
      () => given('--splits', '0'),
      2,
      /^error: --splits must be a whole number from 1 to 256; it is 0\.\n$/,
    ],
    ['too many splits', () => given('--splits', '257'), 2, /--splits must be a whole number from 1 to 256; it is 257/],
    [
      'splits that are no number',
      () => given('--splits', 'abc'),
      2,
      /^error: --splits must be a whole number; it is "abc"\.\n$/,
    ],
    ['half a split', () => given('--splits', '1.5'), 2, /--splits must be a whole number; it is "1\.5"/],
    [
      'splits without a key to deal by',
      () => ['run', path('keyless.js'), ...given('--splits', '3').slice(2)],
      2,
      /^error: --splits 3 assigns the records of "clicks" to splits by their partition key, but the source has none\. Set partitionKey on the source, or use --splits 1\.\n$/,
    ],
    [
      'an empty batch',
      () => given('--batch', '0'),
      2,
      /^error: --batch must be a whole number from 1 to 10000, the maximum of a mapping; it is 0\.\n$/,
    ],
    [
      'a batch that no mapping takes',
      () => given('--batch', '10001'),
      2,
      /--batch must be a whole number from 1 to 10000.*it is 10001/,
    ],
    [
      'a share of rejected records that is none',
      () => given('--max-rejected', '120%'),
      2,
      /^error: --max-rejected must be a number of records, such as 10, or a percentage, such as 2\.5%; it is "120%"\.\n$/,
    ],
    ['a seed that is no number', () => given('--chaos', '-1'), 2, /--chaos/],
    [
      'an unknown state',
      () => given('--state', 'postgres'),
      2,
      /^error: --state must be memory, lmdb:DIRECTORY or dynamodb:TABLE; it is "postgres"\.\n$/,
    ],
    [
      'lmdb without a directory',
      () => given('--state', 'lmdb:'),
      2,
      /--state must be memory, lmdb:DIRECTORY or dynamodb:TABLE; it is "lmdb:"/,
    ],
    ['a state that is a file', () => given('--state', `lmdb:${input}`), 2, /^error: .*clicks\.ndjson/],
    [
      'an output that is a file',
      () => given('--out', input),
      2,
      /^error: The output folder .*clicks\.ndjson cannot be created: /,
    ],
    [
      'skipping an unknown split',
      () => ['splits', 'skip', pipeline, 'clicks/part-9', '--state', `lmdb:${path('state')}`],
      2,
      /^error: There is no split "clicks\/part-9"; the splits are: none yet\.\n$/,
    ],
    ['skipping nothing', () => ['splits', 'skip', pipeline], 2, /error: missing required argument 'split'/],
  ]
  it.each(rows)('%s', async (_, args, code, stderr) => {
    const outcome = await millrace(...args())
    expect(outcome.err).toMatch(stderr)
    expect([outcome.code, outcome.out]).toEqual([code, ''])
    // A sentence, not the inside of the program.
    expect(outcome.err).not.toMatch(/\n {4}at |undefined|\[object/)
  })
})

describe('help', () => {
  it.each([
    [['--help'], ['run', 'describe', 'splits']],
    [
      ['run', '--help'],
      ['--input <source=file>', '--splits', '--batch', '--state', '--out', '--chaos', '--fresh', '--json', '--verbose'],
    ],
    [['describe', '--help'], ['pipeline']],
    [
      ['splits', '--help'],
      ['list', 'skip'],
    ],
    [
      ['splits', 'skip', '--help'],
      ['<pipeline> <split>', '--state'],
    ],
    [['help', 'run'], ['--input']],
  ])('%j', async (args, words) => {
    const { code, out, err } = await millrace(...args)
    expect([code, err]).toEqual([0, ''])
    for (const word of words) expect(out).toContain(word)
  })

  it('the version', async () => {
    expect(await millrace('--version')).toEqual({ code: 0, out: '0.1.0\n', err: '' })
  })
})

/** Where standard error is no terminal: lines of progress, and nothing else. */
const PROGRESS = /^([\d,]+( of [\d,]+)? events( \(\d+%\))? {3}.*\n)*$/

describe('a run of an input', () => {
  const counted = [
    { key: 'a', n: 1 },
    { key: 'b', n: 1 },
    { key: 'a', n: 1 },
  ]
  const rows = (args: readonly string[], sink: string): any[] =>
    readFileSync(`${args[args.indexOf('--out') + 1]}/${sink}.ndjson`, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  const inputs: readonly (readonly [string, string | Buffer])[] = [
    ['plain', '{"t":1000,"k":"a"}\n{"t":2000,"k":"b"}\n{"t":12000,"k":"a"}\n'],
    ['with CRLF', '{"t":1000,"k":"a"}\r\n{"t":2000,"k":"b"}\r\n\r\n{"t":12000,"k":"a"}\r\n'],
    ['without a newline at its end', '{"t":1000,"k":"a"}\n{"t":2000,"k":"b"}\n{"t":12000,"k":"a"}'],
    ['gzipped.gz', gzipSync('{"t":1000,"k":"a"}\n{"t":2000,"k":"b"}\n{"t":12000,"k":"a"}\n')],
  ]
  it.each(inputs)('%s', async (name, content) => {
    writeFileSync(path(name), content)
    const args = run('--input', `clicks=${path(name)}`)
    const { code, out, err } = await millrace(...args)
    expect(code).toBe(0)
    expect(err).toMatch(PROGRESS)
    expect(out).toContain('All input is read and every window is closed.')
    const results = rows(args, 'clicks').map((row) => ({ key: row.key, n: row.value.n }))
    expect(results).toHaveLength(3)
    expect(results).toEqual(expect.arrayContaining(counted))
  })

  it('invariant 14: bad lines end in the dead letter by position, and the run ends with 0', async () => {
    writeLines(path('bad.ndjson'), ['{"t":', { t: 1_000, k: 'a' }, 'null', ' ', { t: 'soon', k: 'a' }, '[]'])
    const args = run('--input', `clicks=${path('bad.ndjson')}`, '--splits', '1')
    const { code, err } = await millrace(...args)
    expect(code).toBe(0)
    expect(err).toMatch(PROGRESS)
    expect(rows(args, 'rejected').map((row) => [Number(row.position), row.reason])).toEqual([
      [0, 'bad-json'],
      [2, 'bad-timestamp'],
      [3, 'bad-json'],
      [4, 'bad-timestamp'],
      [5, 'bad-timestamp'],
    ])
    expect(rows(args, 'clicks')).toHaveLength(1)
  })

  it('a run that rejects everything ends with 3, and says what and where', async () => {
    const file = writeLines(path('all-bad.ndjson'), ['{"t":', '', { t: 'soon', k: 'a' }, '{"t":1,}'])
    const args = run('--input', `clicks=${file}`, '--splits', '1')
    const { code, out, err } = await millrace(...args)
    const rejected = `${args[args.indexOf('--out') + 1]}/rejected.ndjson`
    expect(code).toBe(3)
    expect(out).toContain('All input is read and every window is closed. 3 of 3 records were rejected.\n')
    const text = out.replace(/\s+/g, ' ')
    expect(text).toContain(
      `bad-json: 2 rows in rejected (${rejected}) for example ${file}:1: A record is one JSON value;`,
    )
    expect(text).toContain(
      `bad-timestamp: 1 row in rejected (${rejected}) for example ${file}:3: timestamp() must return ms`,
    )
    expect(err).toContain(
      `error: 3 of 3 records were rejected; --max-rejected allows fewer than all. See ${rejected}.\n`,
    )
    expect(rows(args, 'rejected').map((row) => [row.file, row.line])).toEqual([
      [file, 1],
      [file, 3],
      [file, 4],
    ])
  })

  it('dead-letters list reads the file of a run', async () => {
    const file = writeLines(path('some-bad.ndjson'), ['{"t":', { t: 1_000, k: 'a' }, { t: 'soon', k: 'a' }, '{'])
    const args = run('--input', `clicks=${file}`)
    await millrace(...args)
    const rejected = `${args[args.indexOf('--out') + 1]}/rejected.ndjson`
    const listed = await millrace('dead-letters', 'list', '--file', rejected, '--json')
    expect(JSON.parse(listed.out)).toMatchObject([
      {
        reason: 'bad-json',
        source: 'clicks',
        rows: 2,
        detail: expect.stringMatching(/some-bad\.ndjson:1: A record is/),
      },
      {
        reason: 'bad-timestamp',
        rows: 1,
        detail: expect.stringMatching(/some-bad\.ndjson:3: timestamp\(\) must return/),
      },
    ])
    const none = await millrace('dead-letters', 'list', '--file', path('nowhere'))
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('Give the dead letter file of a local run')])
    const other = await millrace('dead-letters', 'list', '--file', file)
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('Line 1 of ')])
  })

  it.each([
    ['2', 0],
    ['1', 3],
    ['50%', 0],
    ['49.9%', 3],
    ['0', 3],
  ])('--max-rejected %s of two rejected in four: %i', async (most, wanted) => {
    const file = writeLines(path('half-bad.ndjson'), ['{', { t: 1_000, k: 'a' }, { t: 2_000, k: 'a' }, '}'])
    const { code, err } = await millrace(...run('--input', `clicks=${file}`, '--max-rejected', most))
    expect(code).toBe(wanted)
    if (wanted === 3) expect(err).toContain(`2 of 4 records were rejected; --max-rejected allows ${most}. See `)
  })

  it('an empty file is a run that is done', async () => {
    writeFileSync(path('nothing.ndjson'), '')
    const args = run('--input', `clicks=${path('nothing.ndjson')}`)
    const { code, out } = await millrace(...args)
    expect(code).toBe(0)
    expect(out).toContain('All input is read and every window is closed.')
    expect(rows(args, 'clicks')).toEqual([])
  })

  it('--json prints JSON and nothing else on standard output', async () => {
    const { code, out, err } = await millrace(...given('--json', '--verbose', '--splits', '2', '--chaos', '3'))
    expect(code).toBe(0)
    const summary = JSON.parse(out)
    expect(summary).toMatchObject({ pipeline: 'clicks', complete: true, delivered: 3 })
    const logged = err.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
    const invocations = logged.filter(({ message }) => message === 'an invocation ended')
    expect(invocations.some(({ Handler, StoreRequests }) => Handler === 'ingest' && StoreRequests > 0)).toBe(true)
  })

  it('a callback that throws is named as it happens, and the run goes on once it does not', async () => {
    writeFileSync(
      path('pager.js'),
      source()
        .replace('ndjson, outOfOrder', 'callback, ndjson, outOfOrder')
        .replace(
          '.from(clicks)',
          ".from(clicks).to(callback('pager', () => { if (tries++ < 2) throw new Error('no pager today') }))",
        )
        .replace('const clicks', 'let tries = 0\nconst clicks'),
    )
    const { code, err } = await millrace('run', path('pager.js'), ...given().slice(2))
    const words = 'The function of callback("pager") threw: no pager today'
    expect([code, err.split('\n').filter((line) => line.includes('pager'))]).toEqual([
      0,
      [`warning: a batch failed and will be retried: ${words}`],
    ])
  })

  it('describe prints the plan', async () => {
    const { code, out } = await millrace('describe', pipeline)
    expect(code).toBe(0)
    expect(out).toMatch(/clicks/)
  })
})

describe('splits', () => {
  it('are listed and skipped, before and after a run', async () => {
    vi.stubEnv('COLUMNS', '120')
    const state = `lmdb:${path('splits', 'state')}`
    expect(await millrace('splits', 'list', pipeline, '--state', state)).toEqual({
      code: 0,
      out: `State: ${state}\nNo split has been read yet.\n`,
      err: '',
    })
    const empty = await millrace('splits', 'list', pipeline, '--state', state, '--json')
    expect(JSON.parse(empty.out)).toMatchObject({ complete: false, stages: [{ splits: [] }] })
    const args = ['--splits', '1', '--out', path('splits', 'out')]
    expect((await millrace('run', pipeline, '--input', `clicks=${input}`, '--state', state, ...args)).code).toBe(0)
    const { out } = await millrace('splits', 'list', pipeline, '--state', state)
    expect(out.split('\n')[1]).toMatch(/^split +state +position +own watermark +in +rejected +repeats$/)
    expect(out).toMatch(/^clicks\/part-0 +ended +00000000000000000002 +\S+ \S+ +3 +0 +0$/m)
    const unknown = await millrace('splits', 'skip', pipeline, 'clicks/part-7', '--state', state)
    expect(unknown).toEqual({
      code: 2,
      out: '',
      err: 'error: There is no split "clicks/part-7"; the splits are: clicks/part-0.\n',
    })
    expect(await millrace('splits', 'skip', pipeline, 'clicks/part-0', '--state', state)).toEqual({
      code: 0,
      out: 'The record of clicks/part-0 right after position 00000000000000000002 will be rejected with the reason "skipped".\n',
      err: '',
    })
  })

  it('--fresh takes no file that is not its own', async () => {
    const state = path('mine')
    mkdirSync(state)
    writeFileSync(`${state}/thesis.txt`, 'years of work')
    expect((await millrace(...given('--state', `lmdb:${state}`, '--fresh'))).code).toBe(0)
    expect(existsSync(`${state}/thesis.txt`)).toBe(true)
  })
})
