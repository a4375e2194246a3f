import { type Duration, RemovalPolicy } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { checkOptions } from '../../lib/base/index.js'
import { acknowledge } from './acknowledged.js'
import { keyStatements } from './keys.js'
import { checkDuration, checkResource } from './kinds.js'
import { refuse } from './refuse.js'

export interface DeadLettersProps {
  /**
   * An existing bucket. Its settings are not changed.
   * @default - a new bucket
   */
  readonly bucket?: IBucket
  /**
   * The customer managed key that encrypts the bucket; also for an existing bucket.
   * @default - a key of S3
   */
  readonly encryptionKey?: IKey
  /**
   * The time after which a dead letter is deleted. Only for a new bucket.
   * @default - never: the user resends dead letters, or deletes them
   */
  readonly expiration?: Duration
  /**
   * What happens to a new bucket when the stack is deleted. Dead letters are records that were not counted, so they are
   * retained by default. CloudFormation only deletes empty buckets.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
}

/**
 * A bucket for dead letters, in NDJSON objects under `STACK/PIPELINE/SINK/`. Records of any size are stored whole,
 * while an item of a table is limited to 400 KB. Several pipelines may share one bucket. `millrace dead-letters` lists
 * dead letters and resends them.
 * @example new StreamPipeline(this, 'Revenue', { pipeline, sources, sinks: { 'dead-letter': new DeadLetters(this, 'DeadLetters') } })
 */
export class DeadLetters extends Construct {
  readonly bucket: IBucket
  private readonly key: IKey | undefined

  constructor(scope: Construct, id: string, props: DeadLettersProps = {}) {
    super(scope, id)
    checkOptions(this.node.path, props, { bucket: true, encryptionKey: true, expiration: true, removalPolicy: true })
    const { bucket, encryptionKey } = props
    checkDuration(this.node.path, 'expiration', props.expiration)
    const fix = 'Give Bucket.fromBucketName(scope, id, name), for example.'
    checkResource(this.node.path, 'bucket', bucket, 'bucketArn', fix)
    for (const option of ['expiration', 'removalPolicy'] as const)
      if (bucket !== undefined && props[option] !== undefined)
        refuse(
          this.node.path,
          option,
          'given',
          'The settings of an existing bucket are not changed.',
          'Set it where the bucket is defined, or leave bucket out.',
        )
    const days = props.expiration?.isUnresolved() ? 1 : props.expiration?.toDays({ integral: false })
    if (days !== undefined && (days < 1 || !Number.isInteger(days)))
      refuse(
        this.node.path,
        'expiration',
        props.expiration,
        'S3 accepts whole days, at least 1.',
        'Give such a duration.',
      )
    this.bucket = bucket ?? this.make(props)
    this.key = encryptionKey ?? this.bucket.encryptionKey
  }

  /** The place of a folder's dead letters, in the form for `millrace dead-letters`. A folder ends with '/'. */
  placeOf(folder: string): string {
    return `s3://${this.bucket.bucketName}/${folder}`
  }

  /** The permissions of a function that writes into a folder. */
  writeStatements(scope: Construct, folder: string): PolicyStatement[] {
    return [
      new PolicyStatement({ actions: ['s3:PutObject'], resources: [this.bucket.arnForObjects(`${folder}*`)] }),
      ...keyStatements(scope, this.key, 's3', ['kms:GenerateDataKey']),
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
