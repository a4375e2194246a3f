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
   * One that is there. It is left as it is.
   * @default - a bucket of its own
   */
  readonly bucket?: IBucket
  /**
   * The customer's key that encrypts it; also of a bucket that is there.
   * @default - S3's own
   */
  readonly encryptionKey?: IKey
  /**
   * After how long a letter is deleted. Of a bucket of its own.
   * @default - never: somebody sends them again, or deletes them
   */
  readonly expiration?: Duration
  /**
   * What becomes of a bucket of its own when the stack goes. Dead letters are records that nobody counted: they stay
   * unless told. CloudFormation deletes empty buckets only.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
}

/**
 * A bucket of dead letters, in objects of NDJSON under `STACK/PIPELINE/SINK/`: whole, however large the record is,
 * where an item of a table ends at 400 KB. Each pipeline has one, and several may share one.
 * `millrace dead-letters` lists them, and sends them again.
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
          'The bucket is one that is there, and is left as it is.',
          'Set it where the bucket is made, or leave bucket out.',
        )
    const days = props.expiration?.isUnresolved() ? 1 : props.expiration?.toDays({ integral: false })
    if (days !== undefined && (days < 1 || !Number.isInteger(days)))
      refuse(
        this.node.path,
        'expiration',
        props.expiration,
        'S3 counts whole days, from 1 on.',
        'Give such a duration.',
      )
    this.bucket = bucket ?? this.make(props)
    this.key = encryptionKey ?? this.bucket.encryptionKey
  }

  /** Where the letters of a folder are, as `millrace dead-letters` takes it. A folder ends with '/'. */
  placeOf(folder: string): string {
    return `s3://${this.bucket.bucketName}/${folder}`
  }

  /** What a function may do that writes into a folder. */
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
