import { describe, expect, it } from 'vitest'
import { compareBytes } from '../../lib/base/index.js'
import { memoryStore } from '../../lib/state/memory/index.js'
import { SortedKeys } from '../../lib/state/memory/sorted-keys.js'
import { describeStateStore } from './conformance.js'

describeStateStore('memory', async () => memoryStore())

describe('SortedKeys', () => {
  it('is in order whenever it is read, wherever keys were added', () => {
    const keys = new SortedKeys()
    const added: string[] = []
    for (let i = 0; i < 500; i++) {
      const key = String((i * 7919) % 1009).padStart(i % 3, 'é')
      if (added.includes(key)) continue
      keys.add(key)
      added.push(key)
      if (i % 7 === 0) expect(keys.sorted()).toEqual([...added].sort(compareBytes))
    }
    expect(keys.sorted()).toEqual([...added].sort(compareBytes))
  })
})
