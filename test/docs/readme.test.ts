import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'

const execute = promisify(execFile)
const directory = mkdtempSync(join(tmpdir(), 'millrace-readme-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const [, code] = /```ts\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8'))!
const file = join(directory, 'revenue.ts')

describe('README', () => {
  it('its pipeline compiles and runs as it stands', { timeout: 60_000 }, async () => {
    writeFileSync(file, code!.replace("'millrace'", JSON.stringify(resolve('lib/index.ts'))))
    const flags = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--target',
      'ES2023',
      '--module',
      'NodeNext',
      '--skipLibCheck',
      '--allowImportingTsExtensions',
      '--typeRoots',
      resolve('node_modules/@types'),
      '--types',
      'node',
    ]
    await execute(process.execPath, ['node_modules/typescript/bin/tsc', ...flags, file])
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
    await execute(process.execPath, ['--import', 'tsx', 'lib/dev/cli/main.ts', ...run])
    const [result] = readFileSync(join(directory, 'out', 'revenue.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(result.value).toEqual({ total: 0.30000000000000004, mean: 0.15000000000000002, orders: 2 })
  })
})
