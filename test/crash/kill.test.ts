import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { draws } from '../draws.js'
import { ALL_FLIGHTS, firstFlights } from '../oracle/data.js'
import { built } from '../services/built.js'

const KILLS = draws(4, 20)
const RUNS_MAX = 60
const directory = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** In the short form a run takes as long as three or four starts. */
const inputs = firstFlights(draws(40_000, ALL_FLIGHTS)).flatMap(({ name, lines }) => {
  const file = join(directory, `${name}.ndjson`)
  writeFileSync(file, `${lines.join('\n')}\n`)
  return ['--input', `${name}=${file}`]
})

/**
 * The runner in a process of its own, killed after `killMs` unless it ends before. Resolves to its exit code, or null
 * when killed.
 */
function start(name: string, killMs: number | undefined, ...flags: string[]): Promise<number | null> {
  const args = [built('lib/dev/cli/main.js'), 'run', built('examples/flights/pipeline.js')]
  args.push(
    ...inputs,
    '--splits',
    '4',
    '--batch',
    '200',
    '--state',
    `lmdb:${join(directory, name, 'state')}`,
    '--out',
    join(directory, name, 'out'),
    ...flags,
  )
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore'] })
  const timer = killMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killMs)
  return new Promise((resolve) =>
    child.once('exit', (code) => {
      clearTimeout(timer)
      resolve(code)
    }),
  )
}

const digestOf = (name: string): string =>
  ['hourly', 'late', 'rejected']
    .map((sink) =>
      createHash('sha256')
        .update(readFileSync(join(directory, name, 'out', `${sink}.ndjson`)))
        .digest('hex'),
    )
    .join()

describe('kill -9', () => {
  it(`invariants 2, 3, 8: killed at ${KILLS} random moments and started again, the flights end with the same bytes`, async () => {
    expect(await start('whole', undefined)).toBe(0)
    const whole = digestOf('whole')
    let kills = 0
    let completions = 0
    for (let runs = 0; kills < KILLS || completions === 0; runs++) {
      expect(runs, 'kills must not stop progress').toBeLessThan(RUNS_MAX)
      // A start takes less than half a second here; from then on any moment will do.
      const code = await start('killed', kills < KILLS ? 600 + Math.random() * 900 : undefined)
      if (code === null) {
        kills++
        continue
      }
      expect(code).toBe(0)
      expect(digestOf('killed')).toBe(whole)
      completions++
      rmSync(join(directory, 'killed'), { recursive: true, force: true })
    }
    expect(kills).toBeGreaterThanOrEqual(KILLS)
  })
})
