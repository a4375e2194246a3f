import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fileOf, without } from './build.js'
import { GUARDS } from './guards.js'

const RUNTIME = new URL('../../lib/runtime/', import.meta.url)
const sources = readdirSync(RUNTIME, { encoding: 'utf8', recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, lines: readFileSync(new URL(name, RUNTIME), 'utf8').split('\n') }))

/**
 * A call that must come before or after another, and one that writes under a condition: each has a name within these
 * lines above it, or on its own.
 */
const NEAR_LINES = 6
const WRITES =
  /\bstore\.insert\(|\bawait (writeSplitRows|writeSegments|checkpoint|registerListed)\(|\bbuffer\.flush\(|\.passOn\(/
const CONDITION = /^\s*\{ attribute: '.*', is: '(equal|below|absent)'/
const WHEN = /\bwhen: (\[|asRead|unchanged)/

const isNamed = (lines: readonly string[], at: number): boolean =>
  lines.slice(Math.max(0, at - NEAR_LINES), at + NEAR_LINES + 1).some((line) => line.includes('guard: '))

describe('the list of guards is complete', () => {
  it('each conditional write, and each write whose place in an order matters, names its guard', () => {
    const unnamed: string[] = []
    for (const { name, lines } of sources) {
      for (const [i, line] of lines.entries()) {
        const isCondition = CONDITION.test(line)
        const isWrite = WRITES.test(line) || (WHEN.test(line) && !line.trimEnd().endsWith('['))
        if (isCondition ? !line.includes('// guard: ') : isWrite && !isNamed(lines, i))
          unnamed.push(`${name}:${i + 1} ${line.trim()}`)
      }
    }
    expect(unnamed).toEqual([])
  })

  it('each name in the code is in the list, and each of the list is beside what it guards', () => {
    const named = new Set(
      sources.flatMap(({ lines }) => lines.flatMap((line) => /guard: ([a-z-]+)/.exec(line)?.[1] ?? [])),
    )
    const listed = GUARDS.filter(({ file }) => file.startsWith('runtime/') || file === 'state/memory/index').map(
      ({ name }) => name,
    )
    expect([...named].sort()).toEqual([...new Set(listed)].sort())
    expect(new Set(GUARDS.map(({ name }) => name)).size).toBe(GUARDS.length)
  })

  it('each can be taken out: its text stands once', () => {
    for (const guard of GUARDS) {
      const source = readFileSync(fileOf(guard), 'utf8')
      expect(without(guard, source), guard.name).not.toBe(source)
    }
  })
})
