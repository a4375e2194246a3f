import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { digest } from '../../lib/base/index.js'

/** Of `printf 'p\0i\0p\0e\0' | sha256sum` and its like. */
const KNOWN = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb924'],
  ['pipe', '8d92443e30e15c80d65ac1ed3a9f8116'],
] as const

describe('digest', () => {
  it.each(KNOWN)('of %j is 128 bits of SHA-256 over UTF-16 units', (text, wanted) => {
    expect(digest(text)).toBe(wanted)
  })

  it('tells lone surrogates apart, which are one text in UTF-8', () => {
    const texts = ['\ud800', '\ud801', '\udc00', '\ufffd']
    expect(new Set(texts.map((text) => createHash('sha256').update(text).digest('hex'))).size).toBe(1)
    expect(new Set(texts.map(digest)).size).toBe(4)
  })

  it('tells long names apart that differ in one character', () => {
    const names = Array.from({ length: 100 }, (_, i) => `${'x'.repeat(5_000)}${i}`)
    expect(new Set(names.map(digest)).size).toBe(100)
  })
})
