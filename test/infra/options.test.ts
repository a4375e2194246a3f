import { CfnParameter, Duration, Lazy } from 'aws-cdk-lib'
import { describe, expect, it } from 'vitest'
import { AdvanceQueue, DeadLetters, StateTable, type StreamPipelineProps, Tick } from '../../infra/constructs/index.js'
import { kinesis, stack } from './stacks.js'

const later = Duration.seconds(Lazy.number({ produce: () => 60 }))

describe('what a pipeline is given', () => {
  it.each<[Partial<StreamPipelineProps> | object, RegExp]>([
    [{ pipelines: 1 }, /stack\/Pipeline has no option "pipelines"; it has .*Did you mean pipeline\?/],
    [{ lockfile: 'x' }, /has no option "lockfile"; .*Did you mean lockFile\?/],
    [{ run: 0 }, /run is 0\. It is a whole number from 1 to/],
    [{ run: 1.5 }, /run is 1\.5\. /],
    [{ enabled: 'no' }, /enabled is no\. It is true or false\./],
    [{ dashboard: 0 }, /dashboard is 0\. It is true or false\./],
    [{ advanceQueue: 'no' }, /advanceQueue is no\. It is true or false\./],
    [{ ingest: { memory: 512 } }, /ingest has no option "memory"; .*Did you mean memorySize\?/],
    [{ ingest: { memorySize: 127 } }, /ingest: memorySize is 127\. It is a whole number from 128 to 10240\./],
    [{ ingest: { memorySize: 10_241 } }, /memorySize is 10241\. /],
    [{ advance: { memorySize: 512.5 } }, /advance: memorySize is 512\.5\. /],
    [
      { ingest: { reservedConcurrentExecutions: 0 } },
      /reservedConcurrentExecutions is 0\. It is a whole number from 1/,
    ],
    [{ ingest: { logRetention: 4 } }, /logRetention is 4\. Logs are kept for as long as RetentionDays has it/],
    [{ ingest: { timeout: Duration.millis(500) } }, /ingest: timeout is 500 millis\. Lambda takes whole seconds/],
    [{ ingest: { timeout: Duration.seconds(0) } }, /ingest: timeout is 0 seconds\. /],
    [{ advance: { timeout: later } }, /advance: timeout is not known before the stack is deployed\. Alarms/],
    [{ tick: { evry: 1 } }, /tick has no option "evry"; it has .*every\. Did you mean every\?/],
    [{ tick: { every: later } }, /every is not known before the stack is deployed\. /],
    [{ alarms: { rejectedmax: 1 } }, /alarms has no option "rejectedmax"; .*Did you mean rejectedMax\?/],
    [{ alarms: { rejectedMax: -1 } }, /alarms: rejectedMax is -1\. It is a whole number from 0/],
    [{ alarms: { durationShareMax: 80 } }, /durationShareMax is 80\. It is a share of a function's timeout/],
    [{ alarms: { durationShareMax: 0 } }, /durationShareMax is 0\. /],
    [{ alarms: { iteratorAgeMax: Duration.seconds(0) } }, /iteratorAgeMax is 0 seconds\. /],
    [{ expected: { rate: '1/s', size: '1B', key: 1 } }, /expected has no option "key"; .*Did you mean keys\?/],
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
      /visibilityTimeout is 13 hours\. SQS hides a message for 12 hours at most/,
    ],
    ['a schedule', (scope) => new Tick(scope, 'X', { rate: 1 } as never), /X has no option "rate"/],
  ])('%s', (_, make, words) => {
    expect(() => make(stack())).toThrow(words)
  })
})
