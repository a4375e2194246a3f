import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sink } from '../../lib/ports/index.js'
import { fileSink } from '../../lib/sinks/file/adapter.js'
import { collectInto } from '../../lib/sinks/file/parts.js'
import { draws, LONG } from '../draws.js'
import { built } from '../services/built.js'
import { attempts, expected, schedule } from './schedules.js'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-file-bytes-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const bytes = `${expected()
  .map((row) => JSON.stringify(row))
  .join('\n')}\n`

async function collected(folder: string): Promise<string> {
  const file = `${folder}.ndjson`
  await collectInto(folder, file)
  return await readFile(file, 'utf8')
}

describe('invariant 8: the file of a sink is the same, byte for byte', () => {
  const shapes = (LONG ? [1, 2, 3, 5, 16] : [1, 5]).flatMap((keyGroups) =>
    [6, 100].map((rowsMax) => ({ keyGroups, rowsMax })),
  )
  it.each(shapes)(
    'with $keyGroups key groups, $rowsMax rows a part, zombies and other cuts',
    async ({ keyGroups, rowsMax }) => {
      for (let seed = 1; seed <= draws(1, 2); seed++) {
        const folder = join(root, `g${keyGroups}.r${rowsMax}.s${seed}`)
        const sinks = new Map<number, Sink>()
        for (const [i, step] of schedule(seed * 100 + keyGroups, 3, keyGroups, rowsMax).entries()) {
          // Occasionally a process restarts and must find out what has been written.
          if (i % 11 === 10) sinks.delete(step.sink)
          const sink = sinks.get(step.sink) ?? (await fileSink(folder))
          sinks.set(step.sink, sink)
          await sink.write(step.batches)
        }
        expect(await collected(folder), `seed ${seed}`).toBe(bytes)
      }
    },
  )
})

describe('invariants 3, 8: kill -9 of a process that writes parts', () => {
  it('after all is written again, each row is there once', async () => {
    const folder = join(root, 'killed')
    let kills = 0
    for (let seed = 1; seed <= draws(3, 6); seed++) {
      const child = spawn(process.execPath, [built('test/sinks/file-process.js'), folder, String(seed)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exit = once(child, 'exit')
      const lines = createInterface({ input: child.stdout })
      await once(lines, 'line')
      await new Promise((resolve) => setTimeout(resolve, seed * 7))
      child.kill('SIGKILL')
      const [code] = (await exit) as [number | null]
      if (code === null) kills++
    }
    expect(kills).toBeGreaterThan(0)
    const sink = await fileSink(folder)
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
    for (const batches of attempts(7)) await sink.write(batches)
    expect(await collected(folder)).toBe(bytes)
  })
})
