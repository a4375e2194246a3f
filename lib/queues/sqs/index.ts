import { load } from '../../aws/load.js'
import type { Queue } from '../../ports/index.js'
import type { SqsQueueOptions } from './options.js'

export type { SqsQueueOptions } from './options.js'

/**
 * An SQS FIFO queue whose mapping invokes the advance handler: one request of a key group at a time, those of others
 * beside it. Sending is tried twice, within seconds, as whoever sends has no time left; what is lost the next tick
 * finds.
 * @example await sqsQueue('https://sqs.eu-west-1.amazonaws.com/123456789012/orders-advance.fifo', { ids: randomIds })
 */
export async function sqsQueue(url: string, options: SqsQueueOptions): Promise<Queue & { close(): void }> {
  const { SqsQueue } = await load('The SQS queue', '@aws-sdk/client-sqs', () => import('./adapter.js'))
  return new SqsQueue(url, options)
}
