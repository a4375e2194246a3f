import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { consoleSink } from '../../lib/index.js'
import { consoleWriter } from '../../lib/sinks/console/adapter.js'
import { describeSink, part } from './conformance.js'

/** A slow terminal. */
function slow(lines: string[], fail?: Error): Writable {
  return new Writable({
    write(chunk, _, done) {
      setTimeout(() => {
        if (fail === undefined) lines.push(...String(chunk).trimEnd().split('\n'))
        done(fail)
      }, 1)
    },
  })
}

describeSink(
  'console',
  () => {
    const lines: string[] = []
    const out = slow(lines)
    return { open: async () => consoleWriter(out), rows: async () => lines.map((line) => JSON.parse(line)) }
  },
  { exactlyOnce: false },
)

describe('the console', () => {
  it('invariant 3: a write returns only when the lines are taken: a process that ends then loses none', async () => {
    const lines: string[] = []
    await consoleWriter(slow(lines)).write([part('a', [1, 2])])
    expect(lines).toEqual(['1', '2'])
  })

  it('a closed pipe fails the write', async () => {
    const out = slow([], new Error('write EPIPE'))
    out.on('error', () => undefined)
    await expect(consoleWriter(out).write([part('a', [1])])).rejects.toThrow('write EPIPE')
  })

  it('runs as it is on a laptop, on standard output', async () => {
    const node = consoleSink()
    expect([node.local, node.name]).toEqual([true, 'console'])
    await (await node.open({ pipeline: 'p', run: 1 })).close()
  })
})
