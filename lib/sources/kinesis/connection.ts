/** The part of a `KinesisClient` that is used here. */
export interface KinesisSender {
  send(command: any, options?: { readonly abortSignal?: AbortSignal }): Promise<any>
}

/** How to connect to a Kinesis stream. */
export interface KinesisConnection {
  /** The stream's name, or its ARN. */
  readonly stream: string
  /** Default: the region in the ARN, else AWS_REGION. */
  readonly region?: string
  /** The endpoint of a local Kinesis. Default: AWS_ENDPOINT_URL_KINESIS, or the region's endpoint. */
  readonly endpoint?: string
  /** A `KinesisClient` of your own; its region and endpoint are used. */
  readonly client?: KinesisSender
}
