import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { heapProcess, isWhole } from '../../bench/heap.js'
import { LONG } from '../draws.js'
import { built } from '../services/built.js'

/** Their folds take more than all of the heap. `npm run bench -- --heap` has ten million under 1,769 MB. */
const KEYS = 200_000
const MEMORY_MB = 64
const CHILD = built('bench/heap-child.js')
const root = mkdtempSync(join(tmpdir(), 'millrace-heap-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** No invocation is to run out of time here, on whatever machine. */
const taskOf = (keyGroups: number) => ({ keys: KEYS, keyGroups, timeoutMs: 3_600_000 })

describe('invariant 11: a slice of more keys than the heap takes', () => {
  // The short form has one key group, which has all of the slice.
  it.each(LONG ? [1, 4] : [1])(
    `is closed whole, in ranges, by a function of ${MEMORY_MB} MB: %i key groups`,
    async (keyGroups) => {
      const dir = join(root, String(keyGroups))
      await heapProcess({ ...taskOf(keyGroups), phase: 'fill', dir }, 512, CHILD)
      const whole = join(root, 'whole')
      if (keyGroups === 1) cpSync(dir, whole, { recursive: true })
      const figures = await heapProcess({ ...taskOf(keyGroups), phase: 'close', dir }, MEMORY_MB, CHILD)
      expect(isWhole(figures, KEYS)).toBe(true)
      expect(figures.keyRanges).toBeGreaterThan(keyGroups)
      if (keyGroups !== 1) return
      // A process that loads it all is ended.
      const task = { ...taskOf(1), phase: 'close', dir: whole, advanceBytes: Number.MAX_SAFE_INTEGER } as const
      await expect(heapProcess(task, MEMORY_MB, CHILD)).rejects.toThrow('heap out of memory')
    },
  )
})
