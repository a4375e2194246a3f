import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { AdvanceRequest, Ids, Queue } from '../../ports/index.js'
import type { SqsQueueOptions } from './options.js'

const CONNECTION_TIMEOUT_MS = 500
const REQUEST_TIMEOUT_MS = 1_000
const ATTEMPTS = 2

export class SqsQueue implements Queue {
  private readonly client: SQSClient
  private readonly url: string
  private readonly ids: Ids
  private readonly onLost: (error: unknown) => void

  constructor(url: string, { ids, region, endpoint, onLost = () => undefined }: SqsQueueOptions) {
    this.ids = ids
    this.url = url
    this.onLost = onLost
    this.client = new SQSClient({
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      maxAttempts: ATTEMPTS,
    })
  }

  async advance({ operator, keyGroup }: AdvanceRequest): Promise<void> {
    try {
      await this.client.send(
        new SendMessageCommand({
          QueueUrl: this.url,
          MessageBody: JSON.stringify({ operator, keyGroup }),
          MessageGroupId: `${operator}.${keyGroup}`,
          MessageDeduplicationId: this.ids.next(),
        }),
      )
    } catch (error) {
      this.onLost(error)
    }
  }

  close(): void {
    this.client.destroy()
  }
}
