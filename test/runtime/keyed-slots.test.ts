import { describe, expect, it } from 'vitest'
import { Behind, type StateGroup } from '../../lib/runtime/keyed/group.js'
import { readSlots, type Slot, writeSlot } from '../../lib/runtime/keyed/tail.js'
import { LIMITS } from '../../lib/runtime/limits.js'
import { memoryStore } from '../../lib/state/memory/index.js'

/** A key group with a ring of two slots. */
function ring(): StateGroup {
  const host = { prefix: 'shop.1', limits: { ...LIMITS, stateSlots: 2 }, services: { store: memoryStore() } }
  return { host, operator: { name: 'op', keyGroups: 1 }, keyGroup: 0 } as unknown as StateGroup
}

const slot = (seq: number, state: string): Omit<Slot, 'bytes'> => ({
  seq,
  from: `c${seq - 1}`,
  to: `c${seq}`,
  at: undefined,
  counted: '',
  waits: 0,
  records: [{ key: 'k', text: 's:k', hash: 7, state, due: 5, wake: undefined }],
})

describe('invariant 8: the slots of keyed state', () => {
  it('gives back what was written, and the next slot if it is there already', async () => {
    const group = ring()
    await writeSlot(group, slot(1, '{"n":1}'), undefined)
    await writeSlot(group, slot(2, ''), undefined)
    const { slots, next } = await readSlots(group, 0, 1)
    expect(slots.map(({ records }) => records[0])).toMatchObject([{ key: 'k', state: '{"n":1}', due: 5 }])
    expect(next).toMatchObject({ seq: 2, from: 'c1', to: 'c2', records: [{ state: '' }] })
  })

  it('ends an attempt whose slots have been written again', async () => {
    const group = ring()
    for (const seq of [1, 2, 3]) await writeSlot(group, slot(seq, `{"n":${seq}}`), undefined)
    await expect(readSlots(group, 0, 1)).rejects.toBeInstanceOf(Behind)
    expect((await readSlots(group, 2, 3)).slots).toMatchObject([{ seq: 3 }])
  })

  it('lets only the first of two attempts write a slot, and only over the slot that is one ring older', async () => {
    const group = ring()
    await writeSlot(group, slot(1, '1'), undefined)
    await expect(writeSlot(group, slot(1, '2'), undefined)).rejects.toBeInstanceOf(Behind)
    await writeSlot(group, slot(2, '1'), undefined)
    await writeSlot(group, slot(3, '1'), undefined)
    await expect(writeSlot(group, slot(3, '2'), undefined)).rejects.toBeInstanceOf(Behind)
    await expect(writeSlot(group, slot(1, '2'), undefined)).rejects.toBeInstanceOf(Behind)
  })
})
