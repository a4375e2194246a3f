import net from 'node:net'
import kafkajs from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { RetryableError } from '../../../lib/index.js'
import { KafkaTopic } from '../../../lib/sources/kafka/client.js'
import { kafkaInspector } from '../../../lib/sources/kafka/inspector.js'
import { describeLive } from '../../services/local.js'
import { at, KafkaTools, numbered } from './kafka-tools.js'

describeLive('a Kafka topic that is asked', ['kafka'], (services) => {
  let tools: KafkaTools
  const open: { close(): Promise<void> }[] = []
  const connection = () => ({ brokers: [services.endpoint('kafka')] })
  const inspector = (topic: string) => {
    const made = kafkaInspector({ topic, connection: connection() })
    open.push(made)
    return made
  }

  beforeAll(async () => {
    tools = new KafkaTools(connection())
    await tools.admin.connect()
  })

  afterAll(async () => {
    await Promise.all(open.map((each) => each.close()))
    await tools?.close()
  })

  describe('list', () => {
    it('has every partition, from the first record that is left, and new ones from the next time on', async () => {
      await tools.create('lists', 2)
      await tools.send('lists', [...numbered(5, 0, 0), ...numbered(5, 0, 1)])
      const source = inspector('lists')
      expect(await source.list()).toEqual([
        { split: 'lists-0', closed: false },
        { split: 'lists-1', closed: false },
      ])
      await tools.trim('lists', 1, 3)
      await tools.admin.createPartitions({ topicPartitions: [{ topic: 'lists', count: 3 }] })
      await expect
        .poll(() => source.list())
        .toEqual([
          { split: 'lists-0', closed: false },
          { split: 'lists-1', start: at(2), closed: false },
          { split: 'lists-2', closed: false },
        ])
      expect(await source.peek('lists-2', '0')).toBe('nothing')
      expect(source.bounded).toBe(false)
    })
  })

  describe('peek', () => {
    it('an empty partition has nothing; a record waits until the position is there', async () => {
      await tools.create('plain', 2)
      const source = inspector('plain')
      expect(await source.peek('plain-0', '0')).toBe('nothing')
      await tools.send('plain', numbered(3))
      expect(await source.peek('plain-0', '0')).toBe('waiting')
      expect(await source.peek('plain-0', at(1))).toBe('waiting')
      expect(await source.peek('plain-0', at(2))).toBe('nothing')
      expect(await source.peek('plain-1', '0')).toBe('nothing')
    })

    it('does not know of what is no partition of the topic, or lies beyond its end', async () => {
      const source = inspector('plain')
      expect(await source.peek('plain-7', '0')).toBe('unknown')
      expect(await source.peek('other-0', '0')).toBe('unknown')
      expect(await source.peek('plain-x', '0')).toBe('unknown')
      expect(await source.peek('plain-0', at(9))).toBe('unknown')
    })

    it('a committed transaction leaves its marker behind, which is nothing to wait for', async () => {
      await tools.create('committed')
      await tools.commit('committed', 'tx-committed', numbered(3))
      const source = inspector('committed')
      // A commit returns before its marker is written, and until then the transaction is open.
      await expect.poll(() => source.peek('committed-0', at(2))).toBe('nothing')
      expect(await source.peek('committed-0', at(1))).toBe('waiting')
    })

    it('aborted transactions are nothing, wherever the question begins, and committed records among them are something', async () => {
      await tools.create('aborted')
      await tools.send('aborted', numbered(2))
      const first = await tools.begin('aborted', 'tx-a', numbered(2, 10))
      const second = await tools.begin('aborted', 'tx-b', numbered(2, 20))
      await tools.abort('aborted', 'tx-c', numbered(2, 30))
      await second.abort()
      await first.abort()
      const source = inspector('aborted')
      // 0-1 plain, 2-3 a, 4-5 b, 6-7 c, then three markers, the last of them soon.
      await expect.poll(() => source.peek('aborted-0', at(1))).toBe('nothing')
      for (let offset = 1; offset <= 10; offset++)
        expect(await source.peek('aborted-0', at(offset)), `${offset}`).toBe('nothing')
      expect(await source.peek('aborted-0', at(0))).toBe('waiting')

      const third = await tools.begin('aborted', 'tx-d', numbered(1, 40))
      await tools.commit('aborted', 'tx-e', numbered(1, 50))
      await third.abort()
      // 11 d, 12 e, then two markers.
      await expect.poll(() => source.peek('aborted-0', at(12))).toBe('nothing')
      expect(await source.peek('aborted-0', at(1))).toBe('waiting')
      expect(await source.peek('aborted-0', at(11))).toBe('waiting')
    })

    it('invariant 5: an open transaction waits, until it is taken back', async () => {
      await tools.create('open')
      await tools.send('open', numbered(1))
      const source = inspector('open')
      const transaction = await tools.begin('open', 'tx-open', numbered(1, 10))
      expect(await source.peek('open-0', at(0))).toBe('waiting')
      await transaction.abort()
      await expect.poll(() => source.peek('open-0', at(0))).toBe('nothing')
    })

    describe('right after a change of leader, whose fetch ends before the last records', () => {
      const { fetch, end } = KafkaTopic.prototype
      /** A new leader knows of `known` records for so many looks. */
      const lag = (looks: number, known: number) =>
        vi.spyOn(KafkaTopic.prototype, 'fetch').mockImplementation(async function (this: KafkaTopic, wanted, limits) {
          const fetched = await fetch.call(this, wanted, limits)
          if (looks-- <= 0) return fetched
          const few = { highWatermark: known, lastStable: known, records: Buffer.alloc(0) }
          return new Map([...fetched].map(([partition, answer]) => [partition, { ...answer, ...few }]))
        })
      beforeAll(async () => {
        await tools.create('lagging')
        await tools.send('lagging', numbered(3))
      })
      afterEach(() => vi.restoreAllMocks())

      it('invariant 5: what it does not show waits, as its end is asked for', async () => {
        const fetched = lag(1, 2)
        expect(await inspector('lagging').peek('lagging-0', at(1))).toBe('waiting')
        expect(fetched).toHaveBeenCalledTimes(2)
        expect(await inspector('lagging').peek('lagging-0', at(2))).toBe('nothing')
      })

      it('invariant 5: and where brokers are too old to be sure of their end, they are looked at twice', async () => {
        const fetched = lag(1, 2)
        const ends = [2, 3]
        const asked = vi.spyOn(KafkaTopic.prototype, 'end').mockImplementation(async function (
          this: KafkaTopic,
          split,
        ) {
          return { offset: ends.shift() ?? (await end.call(this, split))!.offset, isSure: false }
        })
        expect(await inspector('lagging').peek('lagging-0', at(1))).toBe('waiting')
        expect([fetched.mock.calls.length, asked.mock.calls.length]).toEqual([2, 1])
        expect(await inspector('lagging').peek('lagging-0', at(2))).toBe('nothing')
        expect([fetched.mock.calls.length, asked.mock.calls.length]).toEqual([4, 3])
      })

      it('the broker of today is sure of its end', async () => {
        const topic = new KafkaTopic(connection(), 'lagging')
        open.push(topic)
        expect(await topic.end(0)).toEqual({ offset: 3, isSure: true })
        expect(await topic.end(7)).toBeUndefined()
      })
    })

    it('invariant 11: passes a long aborted tail in several questions, each of them bounded', async () => {
      await tools.create('long')
      await tools.send('long', numbered(1))
      const large = Array.from({ length: 12 }, () => ({ value: 'x'.repeat(900_000) }))
      await tools.abort('long', 'tx-long', large)
      const source = inspector('long')
      await expect.poll(() => source.peek('long-0', at(11))).toBe('nothing')
      expect(await source.peek('long-0', at(0))).toBe('unknown')
      expect(await source.peek('long-0', at(0))).toBe('nothing')
      await tools.send('long', numbered(1))
      expect(await source.peek('long-0', at(0))).toBe('unknown')
      expect(await source.peek('long-0', at(0))).toBe('waiting')
    })

    it.each(['gzip', 'snappy', 'lz4', 'zstd'])('needs no %s to see that records wait', async (compression) => {
      const topic = `packed-${compression}`
      await tools.create(topic, 1, { 'compression.type': compression })
      await tools.send(topic, numbered(50))
      const source = inspector(topic)
      expect(await source.peek(`${topic}-0`, '0')).toBe('waiting')
      // Within the one batch that the broker keeps.
      expect(await source.peek(`${topic}-0`, at(20))).toBe('waiting')
      expect(await source.peek(`${topic}-0`, at(49))).toBe('nothing')
    })

    it.each([
      ['none', 'nothing'],
      ['gzip', 'nothing'],
      ['lz4', 'unknown'],
    ])('of a compacted tail says what a consumer would get: %s', async (compression, expected) => {
      const topic = `compacted-${compression}`
      await tools.create(topic, 1, {
        'compression.type': compression === 'none' ? 'uncompressed' : compression,
        'cleanup.policy': 'compact',
        'min.cleanable.dirty.ratio': '0.01',
        'delete.retention.ms': '1',
        'segment.ms': '50',
      })
      const source = inspector(topic)
      const x = { key: 'x', value: '1' }
      const y = { key: 'y', value: '1' }
      const z = { key: 'z', value: '1' }
      await tools.send(topic, [x, y, z])
      expect(await source.peek(`${topic}-0`, at(1))).toBe('waiting')
      await pause(100)
      // Compaction keeps the last batch of a producer, without its records.
      await tools.commit(topic, `tx-z-${topic}`, [{ key: 'z', value: '2' }])
      await tools.send(topic, [{ key: 'z', value: null }])
      expect(await source.peek(`${topic}-0`, at(1))).toBe('waiting')
      // The tombstone and what it deletes go once nothing but taken-back records follows; the batch of x and y keeps
      // its end.
      let round = 0
      await expect
        .poll(async () => {
          await pause(100)
          await tools.abort(topic, `tx-${topic}-${round++}`, numbered(1))
          return source.peek(`${topic}-0`, at(1))
        })
        .toBe(expected)
      expect(await source.peek(`${topic}-0`, at(0))).toBe('waiting')
    })
  })

  describe('verify', () => {
    it('a log that goes on after the position is no fault', async () => {
      await tools.create('sound', 2)
      await tools.send('sound', numbered(4))
      const source = inspector('sound')
      const sound = new Map([
        ['sound-0', at(3)],
        ['sound-1', '0'],
        ['sound-9', at(3)],
      ])
      expect(await source.verify!(sound)).toEqual([])
      expect(await source.verify!(new Map([['sound-0', '0']]))).toEqual([])
    })

    it('records that were deleted unread are trimmed', async () => {
      await tools.create('trimmed')
      await tools.send('trimmed', numbered(10))
      await tools.trim('trimmed', 0, 6)
      const source = inspector('trimmed')
      expect(await source.verify!(new Map([['trimmed-0', at(5)]]))).toEqual([])
      const [fault] = await source.verify!(new Map([['trimmed-0', at(4)]]))
      expect(fault).toMatchObject({ split: 'trimmed-0', kind: 'trimmed' })
      expect(fault!.detail).toContain('the offsets 5 to 5 were deleted unread')
      expect(await source.verify!(new Map([['trimmed-0', '0']]))).toMatchObject([{ kind: 'trimmed' }])
      // What is left is seen still, and where nothing is left nothing waits.
      expect(await source.peek('trimmed-0', at(1))).toBe('waiting')
      await tools.trim('trimmed', 0, 10)
      expect(await source.peek('trimmed-0', at(1))).toBe('nothing')
    })

    it('a topic that was deleted and made anew ends before the position', async () => {
      await tools.create('anew')
      await tools.send('anew', numbered(10))
      const source = inspector('anew')
      expect(await source.verify!(new Map([['anew-0', at(9)]]))).toEqual([])
      await tools.admin.deleteTopics({ topics: ['anew'] })
      await tools.create('anew')
      await expect.poll(() => source.peek('anew-0', at(9))).toBe('unknown')
      // Another producer: the first one counts on in the topic that is gone.
      const other = new KafkaTools(connection())
      open.push(other)
      await other.send('anew', numbered(3))
      const faults = await source.verify!(new Map([['anew-0', at(9)]]))
      expect(faults).toMatchObject([{ split: 'anew-0', kind: 'beyond-end' }])
      expect(faults[0]!.detail).toContain('ends at offset 3, before the next offset to read, 10')
      expect(await source.peek('anew-0', at(9))).toBe('unknown')
    })
  })

  it('partitions asked side by side share their connections, and nothing is left open once it is closed', async () => {
    await tools.create('wide', 8)
    await expect.poll(() => inspector('wide').list()).toHaveLength(8)
    const opened = vi.spyOn(net, 'connect')
    const askAtOnce = async (count: number): Promise<net.Socket[]> => {
      opened.mockClear()
      const source = kafkaInspector({ topic: 'wide', connection: connection() })
      const answers = await Promise.all(Array.from({ length: count }, (_, i) => source.peek(`wide-${i}`, '0')))
      expect(new Set(answers)).toEqual(new Set(['nothing']))
      const sockets = opened.mock.results.map(({ value }) => value as net.Socket)
      // A question that is under way ends with the client: it is not asked again on a connection that nobody closes.
      const last = count > 1 ? undefined : source.peek('wide-0', '0').catch((error) => error)
      await source.close()
      await last
      const all = opened.mock.results.map(({ value }) => value as net.Socket)
      await expect.poll(() => all.filter((socket) => !socket.destroyed)).toEqual([])
      return sockets
    }
    const alone = await askAtOnce(1)
    expect(await askAtOnce(8)).toHaveLength(alone.length)
    opened.mockRestore()
  })

  it('a broker that is gone is a sentence, and one that is back is asked on a new connection', async () => {
    await tools.create('back')
    await tools.send('back', numbered(2), kafkajs.CompressionTypes.GZIP)
    const source = inspector('back')
    expect(await source.peek('back-0', at(0))).toBe('waiting')
    const endpoint = services.endpoint('kafka')
    await services.stop('kafka')
    const gone = await source.peek('back-0', at(0)).catch((error) => error)
    expect(gone).toBeInstanceOf(RetryableError)
    expect(gone.message).toBe(
      `No Kafka broker answers at ${endpoint} (ECONNREFUSED). Check the host and port, the network, and that the broker is running.`,
    )
    await services.start('kafka')
    await expect.poll(() => source.peek('back-0', at(0)).catch(String)).toBe('waiting')
    expect(await source.peek('back-0', at(1))).toBe('nothing')
  })
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
