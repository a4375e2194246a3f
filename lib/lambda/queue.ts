import { messageOf } from '../base/index.js'
import { jsonLogger, randomIds } from '../observe/index.js'
import type { Queue } from '../ports/index.js'
import { VARIABLES } from './environment.js'

/** The queue that MILLRACE_QUEUE names, if it is set. */
export async function queueIn(url = process.env[VARIABLES.queue]): Promise<Queue | undefined> {
  if (url === undefined || url === '') return undefined
  const logger = jsonLogger()
  const onLost = (error: unknown): void =>
    logger.warn('a request to advance a key group was lost; the next tick will advance it', { error: messageOf(error) })
  const { sqsQueue } = await import('../queues/sqs/index.js')
  return await sqsQueue(url, { ids: randomIds, onLost })
}
