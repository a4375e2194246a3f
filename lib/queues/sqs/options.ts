import type { Ids } from '../../ports/index.js'

export interface SqsQueueOptions {
  /**
   * Makes each request one of its own: a second one of a key group is no duplicate of the first, which may have begun
   * before there was more to do.
   */
  readonly ids: Ids
  /** Default: AWS_REGION. */
  readonly region?: string
  /** A local SQS; default: AWS_ENDPOINT_URL_SQS, or the region's. */
  readonly endpoint?: string
  /** Told of a request that could not be sent. */
  readonly onLost?: (error: unknown) => void
}
