import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FunctionError } from '../../lib/dev/lambda/function.js'
import { functionMaker, isAlive, isStopped, until } from './handlers.js'

const { folder, make } = functionMaker('lambda-freeze')
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')

/**
 * Writes one letter when it begins and another when it ends, `ms` later or once the file `until` is there; and a dot
 * every few ms, for ever, if it is asked to.
 */
const WRITER = `import { appendFileSync, existsSync } from 'node:fs'
  export const handler = async ({ file, begin, end, ms, until, dots }) => {
    appendFileSync(file, begin)
    if (dots) setInterval(() => appendFileSync(file, '.'), 3)
    do await new Promise((done) => setTimeout(done, ms)); while (until && !existsSync(until))
    appendFileSync(file, end)
    return process.pid
  }`

describe('a frozen environment', () => {
  it('runs no timer between invocations, and goes on with it at the next', async () => {
    const f = make(WRITER)
    const file = folder('dots')
    await f.invoke({ file, begin: 'a', end: 'b', ms: 100, dots: true })
    // A tick may have come between its answer and its freezing.
    await until(() => isStopped(f.environments[0]!.pid))
    const frozen = textOf(file)
    expect(frozen).toMatch(/^a\.+b\.*$/)
    await sleep(300)
    expect(textOf(file)).toBe(frozen)
    await f.invoke({ file, begin: 'c', end: 'd', ms: 100 })
    // As it thaws, ticks may come before the invocation that woke it.
    expect(textOf(file).slice(frozen.length)).toMatch(/^\.*c\.+d\.*$/)
    expect(f.counters.coldStarts).toBe(1)
  })

  it('can be killed, and a new one takes its place', async () => {
    const f = make(WRITER)
    const call = { file: folder('killed'), begin: 'a', end: 'b', ms: 0 }
    const pid = await f.invoke(call)
    const [environment] = f.environments
    expect(environment!.pid).toBe(pid)
    f.kill(environment!)
    await environment!.gone
    expect(await f.invoke(call)).not.toBe(pid)
    expect(f.counters).toMatchObject({ coldStarts: 2, kills: 1, errors: 0 })
  })
})

describe('an invocation under way', () => {
  it('killed: it fails as an exit does, and what it had to do still is not done', async () => {
    const f = make(WRITER)
    const file = folder('midway')
    const failed = f
      .invoke({ file, begin: 'a', end: 'b', ms: 5, until: folder('never') })
      .catch((error: FunctionError) => error)
    await until(() => textOf(file) === 'a')
    f.kill(f.environments[0]!)
    expect(await failed).toMatchObject({ errorType: 'Runtime.ExitError' })
    expect(String(await failed)).toContain('Runtime exited with error: signal: killed')
    expect(textOf(file)).toBe('a')
  })

  it('given up: a successor takes the redelivery, and the zombie, thawed, goes on to its end', async () => {
    const f = make(WRITER)
    const file = folder('zombie')
    const go = folder('go')
    const failed = f.invoke({ file, begin: 'a', end: 'b', ms: 5, until: go }).catch((error: FunctionError) => error)
    await until(() => textOf(file) === 'a')
    const [zombie] = f.environments
    f.abandon(zombie!)
    expect(await failed).toMatchObject({ errorType: 'Sandbox.Abandoned' })
    const successor = await f.invoke({ file, begin: 'c', end: 'd', ms: 100 })
    expect(successor).not.toBe(zombie!.pid)
    expect(textOf(file)).toBe('acd')
    expect(isAlive(zombie!.pid)).toBe(true)
    writeFileSync(go, '')
    zombie!.thaw()
    await zombie!.gone
    expect(textOf(file)).toBe('acdb')
    expect(isAlive(zombie!.pid)).toBe(false)
    expect(await f.invoke({ file, begin: 'e', end: 'f', ms: 0 })).toBe(successor)
    expect(f.counters).toMatchObject({ zombies: 1, coldStarts: 2, invocations: 3 })
  })

  it('given up and never thawed: close takes it along', async () => {
    const f = make(WRITER)
    const file = folder('buried')
    const failed = f
      .invoke({ file, begin: 'a', end: 'b', ms: 5, until: folder('never') })
      .catch((error: FunctionError) => error)
    await until(() => textOf(file) === 'a')
    const [zombie] = f.environments
    f.abandon(zombie!)
    await failed
    await f.close()
    expect(isAlive(zombie!.pid)).toBe(false)
    expect(textOf(file)).toBe('a')
  })

  it('of a thawed zombie that does not end is killed at the timeout', async () => {
    const f = make(WRITER, { timeoutMs: 2_000 })
    const file = folder('endless')
    const failed = f.invoke({ file, begin: 'a', end: 'b', ms: 60_000 }).catch((error: FunctionError) => error)
    await until(() => textOf(file) === 'a')
    const [zombie] = f.environments
    f.abandon(zombie!)
    await failed
    zombie!.thaw()
    await zombie!.gone
    expect(textOf(file)).toBe('a')
  })
})
