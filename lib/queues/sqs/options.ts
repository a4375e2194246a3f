import type { Ids } from '../../ports/index.js'

export interface SqsQueueOptions {
  /**
   * Makes each request unique. A second request for a key group is not a duplicate of the first, which may have started
   * before there was more to do.
   */
  readonly ids: Ids
  /** Default: AWS_REGION. */
  readonly region?: string
  /** The URL of a local SQS. Default: AWS_ENDPOINT_URL_SQS, or the region's endpoint. */
  readonly endpoint?: string
  /** Called when a request could not be sent. */
  readonly onLost?: (error: unknown) => void
}
