import { describe, expect, it } from 'vitest'
import { advance } from '../../lib/handlers/index.js'
import { InvocationMetrics, silentLogger } from '../../lib/observe/index.js'
import { sqsQueue } from '../../lib/queues/sqs/index.js'
import { memoryStore } from '../../lib/state/memory/index.js'
import { counting } from '../runtime/pipelines.js'
import { LocalAws, REGION } from '../services/aws/local-aws.js'
import { awsToolsFor } from '../services/aws/tools.js'

const tools = await awsToolsFor('the SQS queue on a local AWS')
let made = 0
const ids = { next: () => `id-${made++}` }

describe.skipIf(tools === undefined)('the SQS queue', () => {
  it('hands a request to the advance handler, a group of messages a key group', async () => {
    process.env.AWS_ACCESS_KEY_ID ??= 'local'
    process.env.AWS_SECRET_ACCESS_KEY ??= 'local'
    const aws = await LocalAws.start(tools!)
    try {
      const call = (action: string, body: object) => aws.call('sqs', `AmazonSQS.${action}`, body)
      const { QueueUrl } = await call('CreateQueue', { QueueName: 'advance.fifo', Attributes: { FifoQueue: 'true' } })
      const lost: unknown[] = []
      const queue = await sqsQueue(QueueUrl, {
        ids,
        region: REGION,
        endpoint: aws.endpoint,
        onLost: (error) => lost.push(error),
      })
      // The same twice: the first one may have begun before there was more to do.
      for (const keyGroup of [0, 0, 1]) await queue.advance({ operator: 'w', keyGroup })
      queue.close()
      expect(lost).toEqual([])
      const { Messages } = await call('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10, AttributeNames: ['All'] })
      expect(Messages.map((message: any) => [message.Attributes.MessageGroupId, message.Body])).toEqual([
        ['w.0', '{"operator":"w","keyGroup":0}'],
        ['w.0', '{"operator":"w","keyGroup":0}'],
        ['w.1', '{"operator":"w","keyGroup":1}'],
      ])
      const handler = advance(counting({ keyGroups: 2 }), {
        state: memoryStore(),
        logger: silentLogger,
        metrics: new InvocationMetrics(),
      })
      const event = { Records: Messages.map(({ MessageId, Body }: any) => ({ messageId: MessageId, body: Body })) }
      expect(await handler(event)).toEqual({})
    } finally {
      await aws.stop()
    }
  })
})

describe('a request that cannot be sent', () => {
  it('fails nobody: it is told of, and the next tick finds it', async () => {
    const lost: unknown[] = []
    const endpoint = 'http://127.0.0.1:9'
    process.env.AWS_ACCESS_KEY_ID ??= 'local'
    process.env.AWS_SECRET_ACCESS_KEY ??= 'local'
    const queue = await sqsQueue(`${endpoint}/1/advance.fifo`, {
      ids,
      region: REGION,
      endpoint,
      onLost: (error) => lost.push(error),
    })
    await queue.advance({ operator: 'w', keyGroup: 0 })
    queue.close()
    expect(lost).toHaveLength(1)
  })
})
