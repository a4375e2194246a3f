import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { open as openLmdb } from 'lmdb'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Item, StateStore } from '../../lib/ports/index.js'
import { lmdbStore } from '../../lib/state/lmdb/index.js'
import { built } from '../services/built.js'
import { describeStateStore } from './conformance.js'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-lmdb-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

let directories = 0
const newDirectory = (): string => join(root, `store.${directories++}`, 'state')

describeStateStore('lmdb', () => lmdbStore(newDirectory()))

describe('an lmdb store on disk', () => {
  it('has everything when it is opened again, and starts its counters anew', async () => {
    const dir = newDirectory()
    const first = await lmdbStore(dir)
    const items = Array.from({ length: 1000 }, (_, i) => raceItem(i, 'me'))
    await first.insert(items)
    await first.update({ key: items[3]!, set: { by: 'you' }, when: [] })
    await first.close()
    const second = await lmdbStore(dir)
    expect(second.usage().requests).toBe(0)
    expect(await everything(second)).toEqual(items.map((item, i) => (i === 3 ? { ...item, by: 'you' } : item)))
    expect(await second.insert([items[0]!])).toEqual(['exists'])
    await second.close()
  })

  it('may be opened twice in one process', async () => {
    const dir = newDirectory()
    const stores = [await lmdbStore(dir), await lmdbStore(dir)] as const
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, (_, i) => stores[i % 2]!.insert([raceItem(i >> 1, `store ${i % 2}`)])),
    )
    expect(verdicts.filter(([verdict]) => verdict === 'inserted')).toHaveLength(50)
    expect(await everything(stores[0])).toEqual(await everything(stores[1]))
    await stores[0].close()
    expect(await stores[1].insert([raceItem(99, 'left')])).toEqual(['inserted'])
    expect(await everything(stores[1])).toHaveLength(51)
    await stores[1].close()
  })

  it('finishes the writes under way before it closes', async () => {
    const dir = newDirectory()
    const store = await lmdbStore(dir)
    const writing = Array.from({ length: 20 }, (_, i) => store.insert([raceItem(i, 'me')]))
    await store.close()
    expect((await Promise.all(writing)).flat()).toEqual(Array(20).fill('inserted'))
    const again = await lmdbStore(dir)
    expect(await everything(again)).toHaveLength(20)
    await again.close()
  })

  it('has every acknowledged insert after its process was killed while writing', async () => {
    const dir = newDirectory()
    const child = startProcess(dir, 'victim', 1_000_000, 25)
    const acknowledged: number[] = []
    child.onLine((line) => {
      acknowledged.push(Number(line.split(' ')[0]))
      if (acknowledged.length === 40) child.process.kill('SIGKILL')
    })
    await child.go()
    await once(child.process, 'close')
    expect(child.process.signalCode).toBe('SIGKILL')
    expect(acknowledged.length).toBeGreaterThanOrEqual(40)
    const store = await lmdbStore(dir)
    const found = await everything(store)
    const last = acknowledged.at(-1)! + 25
    expect(found.length).toBeGreaterThanOrEqual(last)
    expect(found.slice(0, last)).toEqual(Array.from({ length: last }, (_, i) => raceItem(i, 'victim')))
    // The dead process may have held the lock.
    expect(await store.insert([raceItem(999_999_99, 'heir')])).toEqual(['inserted'])
    await store.close()
  })

  it.skipIf(process.platform === 'win32')('says what is wrong when the disk is full, and stays whole', async () => {
    const dir = newDirectory()
    const child = startProcess(dir, 'me', 100_000, 25, 'ulimit -f 400 && exec "$@"')
    const lines: string[] = []
    child.onLine((line) => lines.push(line))
    await child.go()
    await once(child.process, 'close')
    expect(child.process.exitCode).toBe(0)
    expect(lines.at(-1)).toMatch(/^failed store-write: .*File too large/)
    const store = await lmdbStore(dir)
    expect((await everything(store)).slice(0, (lines.length - 1) * 25)).toHaveLength((lines.length - 1) * 25)
    await store.close()
  })

  it('lets exactly one of two processes win each key', async () => {
    const dir = newDirectory()
    const total = 2_000
    const children = ['left', 'right'].map((name) => startProcess(dir, name, total, 10))
    const won = new Map<string, number[]>()
    children.forEach((child, i) => {
      child.onLine((line) => {
        const [first, wins] = line.split(' ')
        for (const [n, win] of [...wins!].entries()) if (win === '1') push(won, raceItem(Number(first) + n, '').sk, i)
      })
    })
    await Promise.all(children.map((child) => child.ready))
    await Promise.all(children.map((child) => child.go()))
    await Promise.all(children.map((child) => once(child.process, 'close')))
    expect(won.size).toBe(total)
    expect([...won.values()].every((winners) => winners.length === 1)).toBe(true)
    const store = await lmdbStore(dir)
    for (const { sk, by } of await everything(store)) expect(by).toBe(['left', 'right'][won.get(sk)![0]!])
    await store.close()
  })

  it('reads anew even within one turn of the event loop (invariant 12)', async () => {
    const dir = newDirectory()
    const store = await lmdbStore(dir)
    expect(await store.get([raceItem(0, '')])).toEqual([undefined])
    // No timer runs between the two reads: only the store itself can end the snapshot of the first.
    spawnSync(process.execPath, processArgs(dir, 'other', 1, 1), { input: 'go\n' })
    expect(await store.get([raceItem(0, '')])).toEqual([raceItem(0, 'other')])
    await store.close()
  })

  it('sees at once what another process wrote, while the database grows', async () => {
    const dir = newDirectory()
    const store = await lmdbStore(dir)
    await store.insert([raceItem(0, 'me')])
    const child = startProcess(dir, 'other', 4_000, 100)
    let seen = Promise.resolve()
    const missed: string[] = []
    child.onLine((line) => {
      const key = raceItem(Number(line.split(' ')[0]) + 99, '')
      seen = seen.then(async () => {
        const [found] = await store.get([key])
        if (!found) missed.push(line)
        await store.insert([{ pk: 'mine', sk: key.sk, filling: new Uint8Array(20_000) }])
      })
    })
    await child.go()
    await once(child.process, 'close')
    await seen
    expect(missed).toEqual([])
    expect(await everything(store)).toHaveLength(4_000)
    await store.close()
  })
})

describe('opening an lmdb store', () => {
  it('says so when the directory cannot be one', async () => {
    const file = join(root, 'a-file')
    await writeFile(file, 'no directory')
    for (const dir of [file, join(file, 'below')]) {
      await expect(lmdbStore(dir)).rejects.toMatchObject({ name: 'ConfigError', code: 'store-unusable' })
    }
  })

  it('says so when the data is of another format, or not its own', async () => {
    const dir = newDirectory()
    const store = await lmdbStore(dir)
    await store.close()
    const raw = openLmdb({ path: dir, noSubdir: false, keyEncoding: 'binary', overlappingSync: false })
    await raw.put(Buffer.from('\0\0millrace'), { format: 2 })
    await raw.close()
    await expect(lmdbStore(dir)).rejects.toThrow(/format 1, but .* holds data of format 2/)

    const foreign = newDirectory()
    const other = openLmdb({ path: foreign, noSubdir: false, overlappingSync: false })
    await other.put('somebody', 'else')
    await other.close()
    await expect(lmdbStore(foreign)).rejects.toThrow('a database that Millrace did not create')

    const damaged = newDirectory()
    await (await lmdbStore(damaged)).close()
    await writeFile(join(damaged, 'data.mdb'), 'x'.repeat(8192))
    await expect(lmdbStore(damaged)).rejects.toMatchObject({ code: 'store-unusable' })
  })

  it('says so when the package is missing', async () => {
    vi.doMock('lmdb', () => {
      throw new Error("Cannot find package 'lmdb'")
    })
    await expect(lmdbStore(newDirectory())).rejects.toMatchObject({
      code: 'missing-package',
      message: expect.stringContaining('npm install lmdb'),
    })
  })
  afterEach(() => vi.doUnmock('lmdb'))
})

const raceItem = (n: number, by: string): Item => ({
  pk: 'race',
  sk: String(n).padStart(8, '0'),
  by,
  filling: new Uint8Array(200),
})

async function everything(store: StateStore): Promise<Item[]> {
  const items: Item[] = []
  let after: string | undefined
  do {
    const page = await store.query({ pk: 'race', from: '0', to: ':', after })
    items.push(...page.items)
    after = page.next
  } while (after !== undefined)
  return items
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key)
  if (values) values.push(value)
  else map.set(key, [value])
}

interface Child {
  readonly process: ChildProcessWithoutNullStreams
  readonly ready: Promise<void>
  onLine(listener: (line: string) => void): void
  go(): Promise<void>
}

function processArgs(dir: string, name: string, total: number, perCall: number): string[] {
  return [built('test/state/lmdb-process.js'), dir, name, `${total}`, `${perCall}`]
}

/** Starts `lmdb-process.ts`, which waits for `go` before it writes. */
function startProcess(dir: string, name: string, total: number, perCall: number, shell?: string): Child {
  const args = processArgs(dir, name, total, perCall)
  const child = shell ? spawn('sh', ['-c', shell, 'sh', process.execPath, ...args]) : spawn(process.execPath, args)
  child.stderr.pipe(process.stderr)
  const listeners: ((line: string) => void)[] = []
  const ready = new Promise<void>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line === 'ready') resolve()
      else for (const listener of listeners) listener(line)
    })
  })
  return {
    process: child,
    ready,
    onLine: (listener) => void listeners.push(listener),
    go: async () => {
      await ready
      child.stdin.write('go\n')
    },
  }
}
