import { describe, expect, it } from 'vitest'
import { kafkaPartition, kinesisShard } from '../../lib/dev/input/partition.js'

describe('keys go where a producer would put them', () => {
  // The vectors of Kafka's own UtilsTest.
  it.each([
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ])('Kafka: murmur2 of %s', (key, hash) => {
    // With 2^31 partitions the partition is the hash made positive, as Utils.toPositive does.
    expect(kafkaPartition(key, 2 ** 31)).toBe(hash & 0x7fffffff)
    expect(kafkaPartition(key, 7)).toBe((hash & 0x7fffffff) % 7)
  })

  it('Kafka hashes the bytes of UTF-8', () => {
    expect(kafkaPartition('ü', 2 ** 31)).not.toBe(kafkaPartition('u', 2 ** 31))
    expect(kafkaPartition('', 16)).toBeLessThan(16)
  })

  it('Kinesis cuts the range of MD5 in equal parts', () => {
    // d41d8cd9..., 0cc175b9..., 90015098...: the MD5 of '', 'a' and 'abc' in RFC 1321.
    expect(['', 'a', 'abc'].map((key) => kinesisShard(key, 4))).toEqual([3, 0, 2])
    expect(['', 'a', 'abc'].map((key) => kinesisShard(key, 256))).toEqual([0xd4, 0x0c, 0x90])
    expect(kinesisShard('anything', 1)).toBe(0)
  })

  it.each([1, 2, 3, 7, 256])('every one of %i splits is reached, and none beyond', (splits) => {
    for (const partition of [kafkaPartition, kinesisShard]) {
      const seen = new Set(Array.from({ length: splits * 20 }, (_, i) => partition(`key ${i}`, splits)))
      expect([Math.min(...seen), Math.max(...seen), seen.size]).toEqual([0, splits - 1, splits])
    }
  })
})
