import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hex, textOf } from '../../lib/base/index.js'

/** A reader of its own, which refuses what is no UTF-8. */
function strictly(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

describe('bytes', () => {
  it('are text where they are UTF-8, and else none', () => {
    const near = fc.uint8Array({ maxLength: 12 })
    const texts = fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => Buffer.from(text))
    const replaced = fc
      .constantFrom(...['efbfbd', 'efbfbdff', 'efbbbf41', 'eda080', 'c080', ''])
      .map((digits) => Buffer.from(digits, 'hex'))
    fc.assert(
      fc.property(fc.oneof(near, texts, replaced), (bytes) => {
        expect(textOf(bytes)).toBe(strictly(bytes))
      }),
    )
    expect(textOf(undefined)).toBeUndefined()
  })

  it('are a key as two digits a byte, of a part of a buffer too', () => {
    const whole = new Uint8Array([255, 0, 132, 200])
    expect([hex(whole), hex(whole.subarray(1, 3)), hex(new Uint8Array()), hex(null)]).toEqual([
      'ff0084c8',
      '0084',
      '',
      null,
    ])
  })
})
