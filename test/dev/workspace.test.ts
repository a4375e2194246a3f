import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { forget, openState, parseState } from '../../lib/dev/state-choice.js'
import { runInputs, Workspace } from '../../lib/dev/workspace.js'
import { testFolder, writeLines } from './folders.js'

const path = testFolder('workspace')
let folders = 0
const newOut = (): string => path(`out${folders++}`)

describe('the lock of an output folder', () => {
  it('is held by one run at a time, of this process too', () => {
    const out = newOut()
    const first = new Workspace(out)
    first.acquire()
    const second = new Workspace(join(out, '..', out.split('/').at(-1)!))
    expect(() => second.acquire()).toThrow(
      `The output folder ${out} is in use by another run of this process. Wait for it to finish, or give another --out.`,
    )
    // Who never had it cannot give it away.
    second.release()
    expect(() => second.acquire()).toThrow('is in use')
    first.release()
    first.release()
    second.acquire()
    second.release()
    expect(readdirSync(out)).toEqual([])
  })

  it('of a live process is respected', () => {
    const out = newOut()
    mkdirSync(out, { recursive: true })
    const other = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'])
    try {
      writeFileSync(join(out, '.lock'), String(other.pid))
      expect(() => new Workspace(out).acquire()).toThrow(
        `The output folder ${out} is in use by process ${other.pid}. Wait for it to finish, or give another --out.`,
      )
      expect(readFileSync(join(out, '.lock'), 'utf8')).toBe(String(other.pid))
    } finally {
      other.kill('SIGKILL')
    }
  })

  it.each([
    ['a dead process', () => String(spawnSync(process.execPath, ['-e', '']).pid)],
    ['a dead process that had our pid, as in a container', () => String(process.pid)],
    ['nobody', () => ''],
    ['no pid at all', () => 'hello'],
  ])('of %s is taken over', (_, owner) => {
    const out = newOut()
    mkdirSync(out, { recursive: true })
    writeFileSync(join(out, '.lock'), owner())
    const workspace = new Workspace(out)
    workspace.acquire()
    expect(readFileSync(join(out, '.lock'), 'utf8')).toBe(String(process.pid))
    workspace.release()
    expect(existsSync(join(out, '.lock'))).toBe(false)
  })

  it('an output that is a file is refused', () => {
    const out = newOut()
    writeFileSync(out, '')
    expect(() => new Workspace(out).acquire()).toThrow(`The output folder ${out} cannot be created: `)
  })
})

describe('what a run goes on from', () => {
  const input = writeLines(path('in.ndjson'), [{ a: 1 }])
  const made = runInputs('p', 4, { orders: [input] })
  const workspace = (): Workspace => {
    const out = new Workspace(newOut())
    out.acquire()
    return out
  }

  it('a new state starts with no parts, and a resumed one keeps them and what it was given', () => {
    const out = workspace()
    out.check(made, false)
    mkdirSync(out.parts('hourly'))
    const record = join(out.out, '.parts', 'run.json')
    const before = statSync(record)
    out.check(made, true)
    expect(existsSync(out.parts('hourly'))).toBe(true)
    // Not even written anew: a kill in the middle of that would leave half of it.
    expect(statSync(record).ino).toBe(before.ino)
    expect(statSync(record).mtimeMs).toBe(before.mtimeMs)
    out.check(made, false)
    expect(readdirSync(join(out.out, '.parts'))).toEqual(['run.json'])
  })

  it.each([
    ['another pipeline', runInputs('q', 4, { orders: [input] }), /pipeline p, not q/],
    ['other splits', runInputs('p', 8, { orders: [input] }), /4 splits per source, not 8/],
    [
      'another file',
      runInputs('p', 4, { orders: [writeLines(path('other'), [1, 2])] }),
      /orders=.*in\.ndjson \(8 bytes\), not orders=.*other \(4 bytes\)/,
    ],
    ['one more file', runInputs('p', 4, { orders: [input, input] }), /8 bytes\), not orders=.*\+/],
    [
      'the same file, longer',
      { ...made, inputs: { orders: [{ file: input, bytes: 9 }] } },
      /\(8 bytes\), not .*\(9 bytes\)/,
    ],
  ])('%s is refused with the difference', (_, other, difference) => {
    const out = workspace()
    out.check(made, false)
    expect(() => out.check(other, true)).toThrow(difference)
    expect(() => out.check(other, true)).toThrow(
      /^The state of this run belongs to other input: .*\. Use the same --input and --splits to resume, or --fresh to start over\.$/,
    )
    out.check(made, true)
  })

  it('a state whose results are elsewhere, or whose record is damaged, is refused with words', () => {
    const out = workspace()
    expect(() => out.check(made, true)).toThrow(
      `The state belongs to an earlier run, but ${out.out} does not contain that run's results. Give the same --out, or --fresh to start over.`,
    )
    out.check(made, false)
    writeFileSync(join(out.out, '.parts', 'run.json'), '{"pipel')
    expect(() => out.check(made, true)).toThrow(/run\.json is damaged: .* Use --fresh to start over\.$/)
  })
})

describe('the state of a run', () => {
  it.each(['', 'lmdb', 'lmdb:', 'Memory', 'redis:x'])('%j is none', (text) => {
    expect(() => parseState(text)).toThrow(
      `--state must be memory, lmdb:DIRECTORY or dynamodb:TABLE; it is ${JSON.stringify(text)}.`,
    )
  })

  it('is forgotten without anything else of its folder', async () => {
    const choice = parseState(`lmdb:${path('state')}`)
    await (await openState(choice)).close()
    writeFileSync(path('state', 'thesis.txt'), 'years of work')
    mkdirSync(path('state', 'photos'))
    forget(choice)
    expect(readdirSync(path('state')).sort()).toEqual(['photos', 'thesis.txt'])
    forget(choice)
    forget(parseState('memory'))
    const store = await openState(choice)
    expect((await store.query({ pk: 'x', from: 'a', to: 'b' })).items).toEqual([])
    await store.close()
  })
})
