import { CfnParameter, Duration, Lazy } from 'aws-cdk-lib'
import { describe, expect, it } from 'vitest'
import {
  AdvanceQueue,
  DeadLetters,
  KinesisSource,
  SelfManagedKafkaSource,
  StateTable,
  type StreamPipelineProps,
  Tick,
} from '../../infra/constructs/index.js'
import { kinesis, SECRET, stack } from './stacks.js'

const later = Duration.seconds(Lazy.number({ produce: () => 60 }))

describe('what a pipeline is given', () => {
  it.each<[Partial<StreamPipelineProps> | object, RegExp]>([
    [{ pipelines: 1 }, /stack\/Pipeline has no option "pipelines"; it has .*Did you mean pipeline\?/],
    [{ lockfile: 'x' }, /has no option "lockfile"; .*Did you mean lockFile\?/],
    [{ run: 0 }, /run is 0\. It must be a whole number from 1 to/],
    [{ run: 1.5 }, /run is 1\.5\. /],
    [{ enabled: 'no' }, /enabled is no\. It must be true or false\./],
    [{ dashboard: 0 }, /dashboard is 0\. It must be true or false\./],
    [{ advanceQueue: 'no' }, /advanceQueue is no\. It must be true or false\./],
    [{ ingest: { memory: 512 } }, /ingest has no option "memory"; .*Did you mean memorySize\?/],
    [{ ingest: { memorySize: 127 } }, /ingest: memorySize is 127\. It must be a whole number from 128 to 10240\./],
    [{ ingest: { memorySize: 10_241 } }, /memorySize is 10241\. /],
    [{ advance: { memorySize: 512.5 } }, /advance: memorySize is 512\.5\. /],
    [
      { ingest: { reservedConcurrentExecutions: 0 } },
      /reservedConcurrentExecutions is 0\. It must be a whole number from 1/,
    ],
    [{ ingest: { logRetention: 4 } }, /logRetention is 4\. It must be a value of RetentionDays/],
    [{ ingest: { timeout: Duration.millis(500) } }, /ingest: timeout is 500 millis\. Lambda accepts whole seconds/],
    [{ ingest: { timeout: Duration.seconds(0) } }, /ingest: timeout is 0 seconds\. /],
    [{ advance: { timeout: later } }, /advance: timeout is not known before the stack is deployed\. Alarms/],
    [{ tick: { evry: 1 } }, /tick has no option "evry"; it has .*every\. Did you mean every\?/],
    [{ tick: { every: later } }, /every is not known before the stack is deployed\. /],
    [{ alarms: { rejectedmax: 1 } }, /alarms has no option "rejectedmax"; .*Did you mean rejectedMax\?/],
    [{ alarms: { rejectedMax: -1 } }, /alarms: rejectedMax is -1\. It must be a whole number from 0/],
    [{ alarms: { durationShareMax: 80 } }, /durationShareMax is 80\. It is a share of a function's timeout/],
    [{ alarms: { durationShareMax: 0 } }, /durationShareMax is 0\. /],
    [{ alarms: { iteratorAgeMax: Duration.seconds(0) } }, /iteratorAgeMax is 0 seconds\. /],
    [{ expected: { rate: '1/s', size: '1B', key: 1 } }, /expected has no option "key"; .*Did you mean keys\?/],
    [{ pipeline: undefined }, /pipeline is not given\. It must be a pipeline that pipeline\(\) returned\./],
    [{ pipeline: 'orders' }, /pipeline is "orders"\. It must be a pipeline that pipeline\(\) returned\./],
    [
      { state: 'orders-state' },
      /state is orders-state\. It must be a resource of the CDK, not its name or ARN\. Give a StateTable/,
    ],
    [
      { ingest: { timeout: 30 } },
      /ingest: timeout is 30\. It must be a Duration of aws-cdk-lib\. Give Duration\.seconds\(30\)/,
    ],
    [{ tick: { every: '1m' } }, /tick: every is 1m\. It must be a Duration of aws-cdk-lib\./],
    [{ alarms: { iteratorAgeMax: 60 } }, /alarms: iteratorAgeMax is 60\. It must be a Duration/],
    [{ expected: { rate: '1/s', size: '1B', keys: 0 } }, /expected: keys is 0\. /],
    [
      { expected: { rate: '1/s', size: '1B', latncy: '1s' } },
      /expected has no option "latncy"; .*Did you mean latency\?/,
    ],
  ])('%j is refused', (props, words) => {
    expect(() => kinesis(stack(), {}, props)).toThrow(words)
  })

  it('and the bounds themselves, and what is known as the stack is deployed, are taken', () => {
    const scope = stack()
    const memorySize = new CfnParameter(scope, 'Memory', { type: 'Number' }).valueAsNumber
    kinesis(
      scope,
      {},
      {
        run: 1,
        ingest: { memorySize, timeout: Duration.seconds(900), reservedConcurrentExecutions: 1 },
        advance: { memorySize: 128 },
        tick: { memorySize: 10_240, every: Duration.minutes(5) },
        alarms: { rejectedMax: 0, durationShareMax: 1 },
      },
    ).hasResourceProperties('AWS::Lambda::Function', { MemorySize: { Ref: 'Memory' } })
  })
})

describe('values of another kind', () => {
  const secret = { secretArn: SECRET } as never
  const own = (props: object) => new SelfManagedKafkaSource({ bootstrapServers: ['a:9096'], ...props } as never)
  it.each<[() => unknown, RegExp]>([
    [
      () => own({ credentials: { kind: 'sasl', secret } }),
      /credentials\.kind is sasl\. It must be one of plain, scram, /,
    ],
    [() => own({ credentials: { kind: 'scram-512', secret } }), /kind is scram-512\. .* Did you mean scram\?/],
    [
      () => own({ credentials: { kind: 'scram', secret: SECRET } }),
      /credentials\.secret is arn:.* It must be a resource of the CDK/,
    ],
    [() => own({ credentials: { kind: 'scram', secret }, rootCa: SECRET }), /rootCa is arn:.* not its name or ARN/],
    [() => own({ network: { vpc: 'vpc-1', securityGroups: [{}] } }), /network\.vpc is vpc-1\. .* Vpc\.fromLookup/],
    [() => own({ maxBatchingWindow: 5 }), /maxBatchingWindow is 5\. .* Give Duration\.seconds\(5\)/],
    [() => new KinesisSource('orders' as never), /KinesisSource: stream is orders\. .* Stream\.fromStreamArn/],
    [() => new KinesisSource(undefined as never), /KinesisSource: stream is not given\. /],
    [() => new DeadLetters(stack(), 'Letters', { bucket: 'letters' as never }), /bucket is letters\. .* Bucket\.from/],
    [
      () => new DeadLetters(stack(), 'Letters', { expiration: 30 as never }),
      /expiration is 30\. It must be a Duration/,
    ],
  ])('%s is refused with words, not by a TypeError', (make, words) => {
    expect(make).toThrow(words)
  })

  it('and a login by SCRAM-SHA-512 goes by the word of MSK too', () => {
    const mechanisms = (['scram', 'scram-sha-512'] as const).map((kind) =>
      own({ credentials: { kind, secret } }).bindingOf('orders'),
    )
    expect(mechanisms).toEqual(Array(2).fill(expect.objectContaining({ mechanism: 'scram-sha-512' })))
  })
})

describe('parts by themselves', () => {
  const timeout = Duration.seconds(60)
  it.each<[string, (scope: ReturnType<typeof stack>) => unknown, RegExp]>([
    ['a bucket', (scope) => new DeadLetters(scope, 'X', { expires: 1 } as object), /X has no option "expires"/],
    [
      'half a day',
      (scope) => new DeadLetters(scope, 'X', { expiration: Duration.hours(12) }),
      /expiration is 12 hours\. S3/,
    ],
    ['no day', (scope) => new DeadLetters(scope, 'X', { expiration: Duration.days(0) }), /expiration is 0 days\. S3/],
    ['a table', (scope) => new StateTable(scope, 'X', { name: 'x' } as object), /X has no option "name"/],
    [
      'a flag',
      (scope) => new StateTable(scope, 'X', { deletionProtection: 'no' as never }),
      /deletionProtection is no/,
    ],
    ['a queue', (scope) => new AdvanceQueue(scope, 'X', { timeout, fifo: 1 } as never), /X has no option "fifo"/],
    ['no time', (scope) => new AdvanceQueue(scope, 'X', { timeout: later }), /timeout is not known before/],
    [
      'too much time',
      (scope) => new AdvanceQueue(scope, 'X', { timeout, visibilityTimeout: Duration.hours(13) }),
      /visibilityTimeout is 13 hours\. SQS hides a message for at most 12 hours/,
    ],
    ['a schedule', (scope) => new Tick(scope, 'X', { rate: 1 } as never), /X has no option "rate"/],
  ])('%s', (_, make, words) => {
    expect(() => make(stack())).toThrow(words)
  })
})
