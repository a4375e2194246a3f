import { load } from '../../aws/load.js'
import type { Ids, Queue } from '../../ports/index.js'

export interface SqsQueueOptions {
  /** Makes each request one of its own: a second one of a key group is no duplicate of the first, which may have begun before there was more to do. */
  readonly ids: Ids
  /** Default: AWS_REGION. */
  readonly region?: string
  /** A local SQS; default: AWS_ENDPOINT_URL_SQS, or the region's. */
  readonly endpoint?: string
  /** Told of a request that could not be sent. */
  readonly onLost?: (error: unknown) => void
}

/**
 * An SQS FIFO queue whose mapping invokes the advance handler: one request of a key group at a time, those of others beside it. Sending is tried twice, within seconds, as whoever
 * sends has no time left; what is lost the next tick finds.
 * @example await sqsQueue('https://sqs.eu-west-1.amazonaws.com/123456789012/orders-advance.fifo', { ids: randomIds })
 */
export async function sqsQueue(url: string, options: SqsQueueOptions): Promise<Queue & { close(): void }> {
  const { SqsQueue } = await load('The SQS queue', '@aws-sdk/client-sqs', () => import('./adapter.js'))
  return new SqsQueue(url, options)
}
