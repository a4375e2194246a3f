import { App, Duration, Stack } from 'aws-cdk-lib'
import { StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { describe, expect, it } from 'vitest'
import type { KinesisSourceProps, MskSourceProps } from '../../infra/constructs/index.js'
import { CLUSTER, kinesis, msk, network, SECRET, selfManaged, stack } from './stacks.js'

const at = (seconds: unknown): KinesisSourceProps => ({
  startingPosition: StartingPosition.AT_TIMESTAMP,
  startingPositionTimestamp: seconds as number,
})

/** What breaks an invariant, or what a mapping cannot do: each is refused with the rule, the value and the fix. */
const REFUSED: readonly (readonly [options: KinesisSourceProps, words: RegExp])[] = [
  [
    { parallelizationFactor: 2 },
    /parallelizationFactor is 2\. A split has one position.*invariants 2 and 5.*Leave it out/,
  ],
  [
    { retryAttempts: 3 },
    /retryAttempts is 3\. A mapping that gives up a batch loses its records \(invariant 10\).*Leave it out/,
  ],
  [{ maxRecordAge: Duration.hours(1) }, /maxRecordAge is 1 hour\. .*loses them \(invariant 10\)\. Leave it out/],
  [
    { filters: [{ pattern: '{}' }] },
    /filters is \[\{"pattern":"\{\}"\}\]\. .*\(invariants 1 and 10\)\. Leave them out, and use \.filter\(\)/,
  ],
  [{ tumblingWindow: Duration.minutes(1) }, /tumblingWindow is 1 minute\. .*Leave it out, and use \.window\(/],
  [{ reportBatchItemFailures: false }, /reportBatchItemFailures is false\. .*\(invariant 11\)\. Leave it out/],
  [
    { startingPosition: StartingPosition.LATEST },
    /startingPosition is LATEST\. .*\(invariant 10\)\. Leave it out, or give StartingPosition\.AT_TIMESTAMP/,
  ],
  [
    { startingPosition: StartingPosition.AT_TIMESTAMP },
    /startingPositionTimestamp is not given\. .*Give both or neither/,
  ],
  [{ startingPositionTimestamp: 1 }, /startingPositionTimestamp is 1\. .*Give both or neither/],
  [at(1_700_000_000_000), /startingPositionTimestamp is 1700000000000\. .*milliseconds\. Give seconds: 1700000000\./],
  [at(1_700_000_000.5), /startingPositionTimestamp is 1700000000\.5\. .*whole seconds.*Give seconds: 1700000000\./],
  [at(4_102_444_800), /is 4102444800\. .*not in the future\. This is 2100-01-01T00:00:00\.000Z\. Give an earlier one/],
  [at(-1), /startingPositionTimestamp is -1\. .*Give a number of at least 0/],
  [at(Number.NaN), /startingPositionTimestamp is NaN\. .*Give Math\.floor/],
  [at('1700000000'), /startingPositionTimestamp is 1700000000\. .*Give Math\.floor/],
  [at(new Date(1_700_000_000_500)), /is 2023-11-14T22:13:20\.500Z\. .*Give seconds: 1700000000\./],
  [{ startingPosition: 'EARLIEST' as StartingPosition }, /startingPosition is EARLIEST\. .*Give StartingPosition\./],
  [{ enabled: 'false' as never }, /enabled is false\. It must be true or false\./],
  [{ batchsize: 1 } as object, /has no option "batchsize"; it has batchSize, .*Did you mean batchSize\?/],
  [{ bisectBatchOnError: true } as object, /has no option "bisectBatchOnError"; .* Leave it out\./],
  [{ batchSize: 0 }, /batchSize is 0\. A batch has 1 to 10000 records/],
  [{ batchSize: 10_001 }, /batchSize is 10001\. A batch has 1 to 10000 records/],
  [{ batchSize: 1.5 }, /batchSize is 1\.5\./],
  [
    { maxBatchingWindow: Duration.minutes(6) },
    /maxBatchingWindow is 6 minutes\. A batching window has 0 to 300 whole seconds/,
  ],
  [{ maxBatchingWindow: Duration.millis(500) }, /maxBatchingWindow is 500 millis\. A batching window has/],
]

describe('a mapping of Kinesis', () => {
  it.each(REFUSED)('%j is refused', (options, words) => {
    expect(() => kinesis(stack(), options)).toThrow(words)
  })

  it('what no invariant forbids goes into the template', () => {
    kinesis(stack(), {
      batchSize: 10_000,
      maxBatchingWindow: Duration.minutes(5),
      startingPosition: StartingPosition.AT_TIMESTAMP,
      startingPositionTimestamp: 1_700_000_000,
      enabled: false,
      parallelizationFactor: 1,
      retryAttempts: -1,
      filters: [],
      reportBatchItemFailures: true,
    }).hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 10_000,
      MaximumBatchingWindowInSeconds: 300,
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: 1_700_000_000,
      Enabled: false,
    })
  })
})

const REFUSED_OF_KAFKA: readonly (readonly [options: Partial<MskSourceProps>, words: RegExp])[] = [
  [
    { onFailure: 'queue' },
    /onFailure is a destination\. .*gives up a batch after ten attempts.*\(invariant 10\)\. Leave it out/,
  ],
  [{ retryAttempts: 10 }, /retryAttempts is 10\. /],
  [{ maxRecordAge: Duration.days(1) }, /maxRecordAge is 1 day\. /],
  [{ filters: [{}] }, /filters is /],
  [{ startingPosition: StartingPosition.LATEST }, /startingPosition is LATEST\. /],
  [{ consumerGroupId: 'a b' }, /consumerGroupId is a b\. A group's name has 1 to 200/],
  [{ consumerGroupId: '' }, /consumerGroupId is \. A group's name has 1 to 200/],
  [{ topic: 'x'.repeat(250) }, /topic is x+\. A topic's name has 1 to 249/],
  [{ schemaRegistryConfig: {} }, /schemaRegistryConfig is given\. .*\(invariants 1 and 10\)\. Leave it out/],
  [{ kafkaTopic: 'orders' } as object, /has no option "kafkaTopic"; .*Did you mean topic\?/],
  [{ groupId: 'orders' } as object, /has no option "groupId"; .*Did you mean consumerGroupId\?/],
  [{ clusterArn: 'orders' }, /clusterArn is orders\. An MSK cluster is given by its ARN/],
  [
    { clusterArn: CLUSTER.replace('eu-west-1', 'us-east-1') },
    /clusterArn is arn.*in us-east-1, but the stack is in eu-west-1/,
  ],
  [{ tls: 'no' as never }, /tls is no\. It must be true or false\./],
  [
    { credentials: { kind: 'sasl' } as never },
    /credentials\.kind is sasl\. It must be one of iam, scram, scram-sha-512, certificate\./,
  ],
  [{ credentials: { kind: 'certificate' } as never }, /credentials\.secret is not given\. /],
  [{ credentials: { kind: 'iam', role: 'x' } as never }, /credentials has no option "role"; it has kind, secret\./],
  [
    { provisionedPollers: { minimum: 1 } as object },
    /provisionedPollers has no option "minimum"; .*mean minimumPollers\?/,
  ],
  [{ provisionedPollers: { minimumPollers: 201 } }, /minimumPollers is 201\. A mapping has 1 to 200/],
  [{ provisionedPollers: { maximumPollers: 0 } }, /maximumPollers is 0\. A mapping has 1 to 2000/],
  [{ topic: 'a b' }, /topic is a b\. A topic's name has 1 to 249/],
  [{ provisionedPollers: { minimumPollers: 0 } }, /provisionedPollers\.minimumPollers is 0\. A mapping has 1 to 200/],
  [
    { provisionedPollers: { maximumPollers: 3_000 } },
    /provisionedPollers\.maximumPollers is 3000\. A mapping has 1 to 2000/,
  ],
  [
    { provisionedPollers: { minimumPollers: 9, maximumPollers: 3 } },
    /minimumPollers is 9\. It is above the maximum, 3/,
  ],
]

describe('a mapping of Kafka', () => {
  it.each(REFUSED_OF_KAFKA)('%j is refused', (options, words) => {
    expect(() => msk(stack(), options)).toThrow(words)
  })

  it('a secret of MSK whose key nobody knows is refused', () => {
    const scope = stack()
    const secret = Secret.fromSecretCompleteArn(scope, 'Other', SECRET)
    expect(() => msk(scope, { credentials: { kind: 'scram', secret } })).toThrow(
      /credentials\.secret\.encryptionKey is not known\. .*Give Secret\.fromSecretAttributes/,
    )
  })

  it('a login without TLS is refused, by IAM too', () => {
    expect(() => msk(stack(), { credentials: { kind: 'iam' }, tls: false })).toThrow(
      /tls is false\. MSK does not accept a login without TLS, .*of the kind iam .*port 9098 for iam/,
    )
  })

  it('a network without a security group is refused, and with one goes into the mapping', () => {
    const scope = stack()
    const { vpc } = network(scope)
    expect(() => selfManaged(scope, { network: { vpc } })).toThrow(
      /network\.securityGroups is not given\. .*Give a security group that the brokers allow/,
    )
    const other = stack()
    const [mapping] = Object.values(
      selfManaged(other, { network: network(other) }).findResources('AWS::Lambda::EventSourceMapping'),
    )
    const types = mapping!.Properties.SourceAccessConfigurations.map(({ Type }: { Type: string }) => Type)
    expect(types).toEqual(['VPC_SUBNET', 'VPC_SUBNET', 'VPC_SECURITY_GROUP', 'SASL_SCRAM_512_AUTH'])
  })

  it.each([
    ['b-1:9098,b-2', /bootstrapServers is "b-2"\. .*each as 'host:port'\. Give an array, such as .*joined by commas/],
    ['', /bootstrapServers is ""\. /],
    [5, /bootstrapServers is 5\. /],
    [[], /bootstrapServers is \[\]\. /],
    [['b-1'], /bootstrapServers is "b-1"\. /],
    [
      ['b-1:9092'],
      /bootstrapServers is "b-1:9092"\. MSK accepts this login at port 9098 or 9198\. .*get-bootstrap-brokers/,
    ],
  ])('brokers that are %j are refused', (bootstrapServers, words) => {
    const given = { bootstrapServers: bootstrapServers as unknown as string[], credentials: { kind: 'iam' } } as const
    expect(() => msk(stack(), given)).toThrow(words)
  })

  it('a cluster of MSK without its network is refused', () => {
    const given = { network: undefined } as unknown as Partial<MskSourceProps>
    expect(() => msk(stack(), given)).toThrow(/network is not given\. .*Give \{ vpc, securityGroups \}/)
  })

  it('handlers that are not there are named', () => {
    const scope = new Stack(new App(), 'stack')
    expect(() => kinesis(scope, {}, { functions: 'nowhere' })).toThrow(
      /Pipeline\/Ingest: its file nowhere\/ingest\.ts does not exist\. Give functions: the folder/,
    )
  })

  it('a cluster without a broker, and one on the internet without a login, are refused', () => {
    expect(() => selfManaged(stack(), { bootstrapServers: [] })).toThrow(
      /of no broker: bootstrapServers is \[\]\. .*Give an array, such as/,
    )
    expect(() => selfManaged(stack(), { credentials: undefined })).toThrow(
      /credentials is not given\. .*Give credentials, or the network/,
    )
  })
})
