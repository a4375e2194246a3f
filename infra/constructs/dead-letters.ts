import { type Duration, RemovalPolicy } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { acknowledge } from './acknowledged.js'
import { keyStatements } from './keys.js'

export interface DeadLettersProps {
  /**
   * One that is there. It is left as it is.
   * @default - a bucket of its own
   */
  readonly bucket?: IBucket
  /**
   * The customer's key that encrypts it.
   * @default - S3's own
   */
  readonly encryptionKey?: IKey
  /**
   * After how long a letter is deleted.
   * @default - never: somebody sends them again, or deletes them
   */
  readonly expiration?: Duration
  /**
   * What becomes of it when the stack goes. Dead letters are records that nobody counted: they stay unless told. CloudFormation deletes empty buckets only.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
}

/**
 * A bucket of dead letters, an object each, under `PIPELINE/SINK/`: whole, however large the record is, where an item of a table ends at 400 KB. Each pipeline has one, and several may share one.
 * `millrace dead-letters` lists them, and sends them again.
 * @example new StreamPipeline(this, 'Revenue', { pipeline, sources, sinks: { 'dead-letter': new DeadLetters(this, 'DeadLetters') } })
 */
export class DeadLetters extends Construct {
  readonly bucket: IBucket

  constructor(scope: Construct, id: string, props: DeadLettersProps = {}) {
    super(scope, id)
    this.bucket = props.bucket ?? this.make(props)
  }

  /** Where those of one sink of a pipeline are. */
  placeOf(pipeline: string, sink: string): string {
    return `s3://${this.bucket.bucketName}/${prefixOf(pipeline, sink)}`
  }

  /** The objects of one sink of a pipeline. */
  objectsOf(pipeline: string, sink: string): string {
    return this.bucket.arnForObjects(`${prefixOf(pipeline, sink)}*`)
  }

  /** What a function may do that writes them. */
  writeStatements(scope: Construct, pipeline: string, sink: string): PolicyStatement[] {
    return [
      new PolicyStatement({ actions: ['s3:PutObject'], resources: [this.objectsOf(pipeline, sink)] }),
      ...keyStatements(scope, this.bucket.encryptionKey, 's3', ['kms:GenerateDataKey']),
    ]
  }

  private make({ encryptionKey, expiration, removalPolicy = RemovalPolicy.RETAIN }: DeadLettersProps): Bucket {
    const bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy,
      ...(encryptionKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }),
      ...(expiration !== undefined && { lifecycleRules: [{ expiration }] }),
    })
    acknowledge(bucket, 'AwsSolutions-S1')
    return bucket
  }
}

const prefixOf = (pipeline: string, sink: string): string => `${pipeline}/${sink}/`
