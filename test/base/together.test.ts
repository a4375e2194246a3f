import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { together } from '../../lib/base/index.js'

describe('together', () => {
  it('gives the values in the order of the calls', async () => {
    const calls = [sleep(5, 'a'), Promise.resolve('b'), sleep(1, 'c')]
    expect(await together(calls)).toEqual(['a', 'b', 'c'])
    expect(await together([])).toEqual([])
  })

  it('invariant 8: throws the first failure once all calls have ended', async () => {
    const ended: string[] = []
    const call = async (name: string, ms: number, fails: boolean): Promise<string> => {
      await sleep(ms)
      ended.push(name)
      if (fails) throw new Error(name)
      return name
    }
    const calls = [call('slow', 20, true), call('quick', 1, true), call('late', 40, false)]
    await expect(together(calls)).rejects.toThrow('slow')
    expect(ended).toEqual(['quick', 'slow', 'late'])
  })
})
