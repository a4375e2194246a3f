import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { murmur2, partitionOf, shardOf } from './assign.js'
import { sliceWidth } from './sql.js'
import { HOUR, MINUTE, type OracleWindow, SECOND } from './variants.js'

/** The oracle, and what it asks. All else of this folder runs the pipeline, or compares. */
const ORACLE = ['assign.ts', 'data.ts', 'oracle.ts', 'sql.ts', 'variants.ts']

describe('the oracle itself', () => {
  it('shares no code with what it judges', () => {
    const files = new Set(ORACLE.map((file) => `./${file.replace('.ts', '.js')}`))
    expect(readdirSync(new URL('.', import.meta.url))).toEqual(expect.arrayContaining(ORACLE))
    for (const file of ORACLE) {
      const text = readFileSync(new URL(file, import.meta.url), 'utf8')
      for (const [, from] of text.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)) {
        expect(files.has(from!) || from!.startsWith('node:') || from === '@duckdb/node-api', `${file}: ${from}`).toBe(
          true,
        )
      }
    }
  })

  it("deals keys as Kafka's own tests of murmur2 have it", () => {
    const known: [string, number][] = [
      ['21', -973932308],
      ['foobar', -790332482],
      ['a-little-bit-long-string', -985981536],
      ['a-little-bit-longer-string', -1486304829],
      ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
      ['abc', 479470107],
    ]
    for (const [key, hash] of known) expect(Number(BigInt.asIntN(32, murmur2(Buffer.from(key))))).toBe(hash)
    expect(partitionOf('abc', 8)).toBe(479470107 % 8)
  })

  it('deals keys to equal ranges of MD5', () => {
    // MD5 of the empty text is d41d8cd98f00b204e9800998ecf8427e: 0.8285 of the way.
    expect([1, 2, 3, 5, 8, 100].map((shards) => shardOf('', shards))).toEqual([0, 1, 2, 4, 6, 82])
  })

  it('cuts slices as wide as the design says', () => {
    const width = (kind: OracleWindow['kind'], size: number, step: number, late: number): number =>
      sliceWidth({ kind, size, step }, late)
    expect(width('tumbling', HOUR, HOUR, 2 * HOUR)).toBe(HOUR)
    expect(width('tumbling', HOUR, HOUR, 25 * MINUTE)).toBe(20 * MINUTE)
    expect(width('tumbling', 24 * HOUR, 24 * HOUR, 0)).toBe(HOUR)
    expect(width('hopping', 50 * MINUTE, 20 * MINUTE, 2 * HOUR)).toBe(10 * MINUTE)
    expect(width('cumulate', 24 * HOUR, 4 * HOUR, 90 * MINUTE)).toBe(HOUR)
    expect(width('tumbling', 90 * SECOND, 90 * SECOND, 40 * SECOND)).toBe(30 * SECOND)
  })
})
