import { load } from '../../aws/load.js'
import type { Queue } from '../../ports/index.js'
import type { SqsQueueOptions } from './options.js'

export type { SqsQueueOptions } from './options.js'

/**
 * An SQS FIFO queue whose mapping invokes the advance handler. The requests of one key group are handled one at a time,
 * those of different key groups in parallel. Sending is tried twice, within seconds, because the sender has no time
 * left. The next tick finds lost requests.
 * @example await sqsQueue('https://sqs.eu-west-1.amazonaws.com/123456789012/orders-advance.fifo', { ids: randomIds })
 */
export async function sqsQueue(url: string, options: SqsQueueOptions): Promise<Queue & { close(): void }> {
  const { SqsQueue } = await load('The SQS queue', '@aws-sdk/client-sqs', () => import('./adapter.js'))
  return new SqsQueue(url, options)
}
