import { Duration, Fn, RemovalPolicy } from 'aws-cdk-lib'
import { Annotations, Match, type Template } from 'aws-cdk-lib/assertions'
import { SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { describe, expect, it } from 'vitest'
import { DeadLetters, type DeadLettersProps } from '../../infra/constructs/index.js'
import { dynamodbTable, kinesisSource, ndjson, outOfOrder, pipeline } from '../../lib/index.js'
import { kinesis, letters, type Order, selfManaged, stack } from './stacks.js'

const options = { timestamp: (order: Order) => order.at, watermark: outOfOrder('1s') }

const placesIn = (template: Template): string =>
  JSON.stringify(
    Object.values(template.findResources('AWS::Lambda::Function'))[0]!.Properties.Environment.Variables.MILLRACE_SINKS,
  )

describe('a bucket of dead letters', () => {
  it('is private, encrypted, reached by TLS alone, and stays when the stack goes', () => {
    const template = letters(stack())
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        BucketEncryption: { ServerSideEncryptionConfiguration: [Match.anyValue()] },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        LifecycleConfiguration: Match.absent(),
      },
    })
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          Match.objectLike({ Effect: 'Deny', Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
        ]),
      },
    })
    // A table is made for results alone.
    expect(Object.keys(template.findResources('AWS::DynamoDB::GlobalTable'))).toHaveLength(2)
    expect(placesIn(template)).toMatch(
      /dead-letter\\":\\"s3:\/\/",\{"Ref":"Letters.*\},"\/stack\/orders\/dead-letter\//,
    )
  })

  it('takes a key, a time and an end of its own', () => {
    const scope = stack()
    const encryptionKey = new Key(scope, 'Key')
    const template = letters(scope, {
      encryptionKey,
      expiration: Duration.days(90),
      removalPolicy: RemovalPolicy.DESTROY,
    })
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Delete',
      Properties: {
        LifecycleConfiguration: { Rules: [{ ExpirationInDays: 90, Status: 'Enabled' }] },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            Match.objectLike({
              BucketKeyEnabled: true,
              ServerSideEncryptionByDefault: Match.objectLike({ SSEAlgorithm: 'aws:kms' }),
            }),
          ],
        },
      },
    })
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'kms:GenerateDataKey',
            Condition: {
              StringEquals: {
                'kms:ViaService': { 'Fn::Join': ['', ['s3.eu-west-1.', { Ref: 'AWS::URLSuffix' }]] },
              },
            },
          }),
        ]),
      },
    })
  })

  it('may be one that is there, and several pipelines may share it', () => {
    const scope = stack()
    const shared: DeadLettersProps = { bucket: Bucket.fromBucketName(scope, 'Shared', 'all-letters') }
    const template = letters(scope, shared)
    template.resourceCountIs('AWS::S3::Bucket', 0)
    expect(placesIn(template)).toContain('s3://all-letters/stack/orders/dead-letter/')
  })

  it('of a new run has a folder of its own: positions of a log that was made anew may come again', () => {
    const scope = stack()
    expect(placesIn(kinesis(scope, {}, { run: 2 }))).toContain('/stack/orders/dead-letter/run-2/')
  })

  it('that is there may have a key that nobody knows of it, and is left as it is', () => {
    const scope = stack()
    const bucket = Bucket.fromBucketName(scope, 'Shared', Fn.importValue('letters'))
    const template = letters(scope, { bucket, encryptionKey: new Key(scope, 'Key') })
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain('kms:GenerateDataKey')
    for (const option of [{ expiration: Duration.days(1) }, { removalPolicy: RemovalPolicy.DESTROY }]) {
      const other = stack()
      expect(() => letters(other, { bucket: Bucket.fromBucketName(other, 'Shared', 'letters'), ...option })).toThrow(
        /(expiration|removalPolicy) is given\. The settings of an existing bucket are not changed\./,
      )
    }
  })

  it('takes no results, which is refused', () => {
    const refused = (name: string): RegExp =>
      new RegExp(`sink "${name}" is DeadLetters\\. A bucket only adds rows .*Give "${name}": 'table'`)
    const scope = stack()
    expect(() => kinesis(scope, {}, { sinks: { counts: new DeadLetters(scope, 'Letters') } })).toThrow(
      refused('counts'),
    )
    const other = stack()
    const all = pipeline('all', (p) => p.from(kinesisSource('orders', options)).to(ndjson('rows')))
    expect(() => kinesis(other, {}, { pipeline: all, sinks: { rows: new DeadLetters(other, 'Letters') } })).toThrow(
      refused('rows'),
    )
  })

  it('is warned of in subnets from which nothing leads to S3', () => {
    const warning = Match.stringLikeRegexp('subnets without a NAT gateway.*addGatewayEndpoint')
    const places = [
      ['closed', [{ name: 'in', subnetType: SubnetType.PRIVATE_ISOLATED }], 1],
      ['open', undefined, 0],
    ] as const
    for (const [id, subnetConfiguration, warnings] of places) {
      const scope = stack()
      const vpc = new Vpc(scope, id, {
        maxAzs: 1,
        ...(subnetConfiguration && { subnetConfiguration: [...subnetConfiguration] }),
      })
      selfManaged(scope, { network: { vpc, securityGroups: [new SecurityGroup(scope, 'Clients', { vpc })] } })
      expect(Annotations.fromStack(scope).findWarning('/stack/Pipeline', warning)).toHaveLength(warnings)
    }
  })

  it('takes the place of a file that a pipeline names for what it rejects', () => {
    const own = pipeline('own', { deadLetter: ndjson('rejected') }, (p) =>
      p.from(kinesisSource('orders', options)).to(dynamodbTable('all')),
    )
    const scope = stack()
    const template = kinesis(scope, {}, { pipeline: own, sinks: { rejected: new DeadLetters(scope, 'Letters') } })
    expect(placesIn(template)).toContain('/stack/own/rejected/')
  })
})
