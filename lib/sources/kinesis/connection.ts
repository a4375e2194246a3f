/** What is used of a `KinesisClient`. */
export interface KinesisSender {
  send(command: any, options?: { readonly abortSignal?: AbortSignal }): Promise<any>
}

/** How a Kinesis stream is reached. */
export interface KinesisConnection {
  /** The stream's name, or its ARN. */
  readonly stream: string
  /** Default: the ARN's, else AWS_REGION. */
  readonly region?: string
  /** A local Kinesis; default: AWS_ENDPOINT_URL_KINESIS, or the region's. */
  readonly endpoint?: string
  /** A `KinesisClient` of your own; its region and endpoint count. */
  readonly client?: KinesisSender
}
