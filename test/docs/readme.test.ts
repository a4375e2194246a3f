import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { millrace } from '../dev/cli.js'
import { LiveProcess, until } from '../dev/live/dev-process.js'
import { draws } from '../draws.js'
import { ALL_FLIGHTS, firstFlights } from '../oracle/data.js'
import { built } from '../services/built.js'

const execute = promisify(execFile)
const directory = mkdtempSync(join(tmpdir(), 'millrace-readme-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const [, code] = /```ts\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8'))!
const file = join(directory, 'revenue.ts')

describe('README', () => {
  // That it compiles, test/dev/init looks at.
  it('its pipeline runs as it stands', async () => {
    writeFileSync(file, code!.replace("'millrace'", JSON.stringify(resolve('lib/index.ts'))))
    const order = (orderedAt: string, amount: number, status = 'paid') =>
      JSON.stringify({ orderedAt, customerId: 'c', status, amount })
    writeFileSync(
      join(directory, 'orders.ndjson'),
      [order('2026-01-01T00:00:01Z', 0.1), order('2026-01-01T00:00:02Z', 5, 'open')].join('\n'),
    )
    writeFileSync(join(directory, 'legacy.ndjson'), order('2026-01-01T00:00:03Z', 0.2))
    const run = [
      'run',
      file,
      '--input',
      `orders=${join(directory, 'orders.ndjson')}`,
      '--input',
      `orders-legacy=${join(directory, 'legacy.ndjson')}`,
      '--state',
      'memory',
      '--out',
      join(directory, 'out'),
    ]
    await execute(process.execPath, [built('lib/dev/cli/main.js'), ...run])
    const [result] = readFileSync(join(directory, 'out', 'revenue.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(result.value).toEqual({ total: 0.30000000000000004, mean: 0.15000000000000002, orders: 2 })
  })
})

/** How many flights are sent, and how many results there are before Ctrl-C, at least. */
const FLIGHTS = draws(20_000, ALL_FLIGHTS)
const ROWS_MIN = draws(2_500, 15_000)
const en = (count: number): string => count.toLocaleString('en-US')

/** The commands of the second part, as they stand, but for where their data goes, and how much of it there is. */
const commands = /```sh\n([\s\S]*?)```/
  .exec(readFileSync('README.md', 'utf8'))![1]!
  .replaceAll('\\\n', ' ')
  .trim()
  .split('\n')

const missing = inject('missingJava')
describe.skipIf(missing !== '')(`README, live${missing === '' ? '' : ` (not run: ${missing})`}`, () => {
  it(`its commands count ${en(FLIGHTS)} flights on local DynamoDB, Kinesis and Kafka`, async () => {
    const services = join(directory, 'services')
    const sources = firstFlights(FLIGHTS)
    const inputs = new Map<string, string>()
    for (const { name, lines } of sources) {
      const file = join(directory, `${name}.ndjson.gz`)
      writeFileSync(file, gzipSync(`${lines.join('\n')}\n`))
      inputs.set(`${name}=examples/flights/data/${name}.ndjson.gz`, `${name}=${file}`)
    }
    const used = new Set<string>()
    const args = (command: string): string[] => {
      const words = command.split(/\s+/)
      expect(words.slice(0, 4)).toEqual(['npm', 'run', 'millrace', '--'])
      return words.slice(4).flatMap((word) => {
        if (inputs.has(word)) used.add(word)
        return word === '--services' ? [word, services] : [inputs.get(word) ?? word]
      })
    }
    const [up, table, send, dev] = commands.map(args) as [string[], string[], string[], string[]]
    expect([...used]).toEqual([...inputs.keys()])
    const run = (words: string[]) => execute(process.execPath, [built('lib/dev/cli/main.js'), ...words])
    try {
      await run([...up, '--dir', services])
      await run(table)
      const { stdout } = await run(send)
      for (const { name, lines } of sources) expect(stdout).toContain(`${name}: ${en(lines.length)} records sent`)
      const out = join(directory, 'live')
      const live = new LiveProcess([...dev, '--out', out, '--tick', '1000'])
      const state = ['--state', 'dynamodb:flights', '--services', services]
      await until(
        'all flights are counted',
        async () => {
          // In this process: one that is started for each question takes the machine from those that count.
          const { out } = await millrace('splits', 'list', 'examples/flights/pipeline.ts', ...state, '--json')
          const [stage] = JSON.parse(out).stages
          const taken = stage.splits.reduce((sum: number, split: { in: number }) => sum + split.in, 0)
          return taken === FLIGHTS || taken
        },
        1_000,
      )
      expect(await live.stop(), live.err).toBe(0)
      expect(live.out).toMatch(new RegExp(`^all +${en(FLIGHTS)} +0 +0 +${en(FLIGHTS)}`, 'm'))
      const rows = readFileSync(join(out, 'hourly.ndjson'), 'utf8').trim().split('\n')
      expect(rows.length).toBeGreaterThan(ROWS_MIN)
    } finally {
      await run(['services', 'down', '--dir', services])
    }
  })
})
