import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinesisInspector } from '../../../lib/sources/kinesis/inspector.js'
import { describeLive } from '../../services/local.js'
import { startKinesisLocal } from './kinesis-local.js'
import { KinesisTools, positionAt, shardId, startShiftedKinesis } from './kinesis-tools.js'

const HOUR_MS = 3_600_000

describeLive('the positions of a Kinesis stream', ['kinesis'], (services) => {
  let tools: KinesisTools
  const inspector = (stream: string) =>
    kinesisInspector({ stream, endpoint: services.endpoint('kinesis'), region: 'eu-west-1' })

  beforeAll(() => {
    tools = new KinesisTools(services.endpoint('kinesis'))
  })

  it('a record that can be read, or an older one, is proof that nothing after it was deleted', async () => {
    await tools.create('sound', 2)
    const record = await tools.put('sound', 'a')
    await tools.put('sound', 'b')
    const source = inspector('sound')
    const other = record.shard === shardId(0) ? shardId(1) : shardId(0)
    const positions = new Map([
      [record.shard, positionAt(record.sequence)],
      [other, '0'],
      [shardId(7), positionAt(record.sequence)],
    ])
    expect(await source.verify!(positions)).toEqual([])
  })

  it('where the record’s own place gives nothing, an older record is the proof', async () => {
    await tools.create('older')
    await tools.put('older', 'a')
    const { sequence } = await tools.put('older', 'b')
    const { client } = new KinesisTools(services.endpoint('kinesis'))
    const silent = new Set<string>()
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer: any = await next(args)
        const { ShardIteratorType, ShardIterator } = args.input as any
        if (context.commandName === 'GetShardIteratorCommand' && ShardIteratorType === 'AT_SEQUENCE_NUMBER') {
          silent.add(answer.output.ShardIterator)
        }
        if (silent.has(ShardIterator)) Object.assign(answer.output, { Records: [], MillisBehindLatest: 1 })
        return answer
      },
      { step: 'initialize' },
    )
    const source = kinesisInspector({ stream: 'older', client })
    expect(await source.verify!(new Map([[shardId(0), positionAt(sequence)]]))).toEqual([])
    expect(silent.size).toBe(1)
  })

  it('a number of another stream is beyond the end', async () => {
    await tools.create('old')
    await tools.put('old', 'a')
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await tools.create('new')
    const { sequence } = await tools.put('old', 'b')
    const faults = await inspector('new').verify!(new Map([[shardId(0), positionAt(sequence)]]))
    expect(faults).toEqual([
      {
        split: shardId(0),
        kind: 'beyond-end',
        detail: `The Kinesis stream "new" reports that the sequence number ${sequence} does not belong to it.`,
      },
    ])
  })

  it('once retention has deleted the record at the position, a later record is a fault, and an empty shard is none', async () => {
    const kinesis = await startShiftedKinesis(services.folder)
    try {
      const shifted = new KinesisTools(kinesis.endpoint)
      await shifted.create('aging')
      const source = kinesisInspector({
        stream: 'aging',
        endpoint: kinesis.endpoint,
        clock: kinesis.clock,
        region: 'eu-west-1',
      })
      const { sequence } = await shifted.put('aging', 'read')
      const positions = new Map([[shardId(0), positionAt(sequence)]])
      await shifted.put('aging', 'unread')
      kinesis.shift(23 * HOUR_MS)
      expect(await source.verify!(positions)).toEqual([])
      kinesis.shift(2 * HOUR_MS)
      expect(await source.verify!(positions)).toEqual([])
      expect(await source.peek(shardId(0), positionAt(sequence))).toBe('nothing')
      const late = await shifted.put('aging', 'late')
      const [fault, ...more] = await source.verify!(positions)
      expect(more).toEqual([])
      expect(fault).toMatchObject({ split: shardId(0), kind: 'trimmed' })
      expect(fault!.detail).toContain(`keeps records for 1d and has deleted the record ${sequence}`)
      expect(fault!.detail).toContain(`the oldest one left is ${late.sequence}`)
      expect(await source.peek(shardId(0), positionAt(sequence))).toBe('waiting')
      expect(await source.verify!(new Map([[shardId(0), positionAt(late.sequence)]]))).toEqual([])
    } finally {
      await kinesis.stop()
    }
  })
})

describe('the positions of a Kinesis stream that was made anew', () => {
  let kinesis: Awaited<ReturnType<typeof startKinesisLocal>>
  let tools: KinesisTools

  beforeAll(async () => {
    kinesis = await startKinesisLocal()
    tools = new KinesisTools(kinesis.endpoint, 'us-east-1')
  })

  afterAll(() => kinesis?.stop())

  it('are beyond its end: it is too young to have deleted what is missing', async () => {
    await tools.create('anew')
    const { shard, sequence } = await tools.put('anew', 'a')
    const source = kinesisInspector({ stream: 'anew', endpoint: kinesis.endpoint, region: 'us-east-1' })
    const positions = new Map([[shard, positionAt(sequence)]])
    expect(await source.verify!(positions)).toEqual([])
    await tools.delete('anew')
    // Numbers begin with the second that their shard was made in.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await tools.create('anew')
    const [fault] = await source.verify!(positions)
    expect(fault).toMatchObject({ split: shard, kind: 'beyond-end' })
    expect(fault!.detail).toMatch(
      /has no record \d+, and is too young to have deleted one: it was created at 20.* and keeps records for 1d\./,
    )
    await tools.put('anew', 'b')
    expect(await source.verify!(positions)).toMatchObject([{ kind: 'beyond-end' }])
  })
})
