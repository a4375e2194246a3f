import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Stream } from 'aws-cdk-lib/aws-kinesis'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { afterAll, describe, expect, it } from 'vitest'
import {
  AdvanceQueue,
  KinesisSource,
  MskSource,
  SelfManagedKafkaSource,
  StateTable,
  StreamPipeline,
  type StreamPipelineProps,
  Tick,
} from '../../infra/constructs/index.js'
import {
  count,
  dynamodbTable,
  fileSource,
  kafkaSource,
  kinesisSource,
  ndjson,
  outOfOrder,
  pipeline,
  tumbling,
} from '../../lib/index.js'
import { CLUSTER, kinesis, msk, network, type Order, ofKafka, ofKinesis, selfManaged, stack } from './stacks.js'

const options = { timestamp: (order: Order) => order.at, watermark: outOfOrder('30s') }

describe('the settings that invariants hang on', () => {
  it('of a stream', () => {
    kinesis(stack()).hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      ParallelizationFactor: 1,
      MaximumRetryAttempts: -1,
      MaximumRecordAgeInSeconds: Match.absent(),
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      FilterCriteria: Match.absent(),
      DestinationConfig: Match.absent(),
      TumblingWindowInSeconds: Match.absent(),
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 1_000,
    })
  })

  it('of a topic on demand: whatever fails comes again, whole', () => {
    for (const template of [msk(stack()), selfManaged(stack())]) {
      template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
        Topics: ['orders'],
        StartingPosition: 'TRIM_HORIZON',
        MaximumRetryAttempts: Match.absent(),
        BisectBatchOnFunctionError: Match.absent(),
        FunctionResponseTypes: Match.absent(),
        DestinationConfig: Match.absent(),
        FilterCriteria: Match.absent(),
      })
      expect(variables(template)).not.toHaveProperty('MILLRACE_KAFKA_PARTIAL_ANSWERS')
    }
  })

  it('of a topic with provisioned pollers, and the handlers know', () => {
    const template = msk(stack(), { provisionedPollers: { minimumPollers: 2, maximumPollers: 4 } })
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 4 },
      MaximumRetryAttempts: -1,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    expect(variables(template)).toMatchObject({ MILLRACE_KAFKA_PARTIAL_ANSWERS: 'true' })
  })

  it('of the schedule: once a minute, and no beat is made up for', () => {
    kinesis(stack()).hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      State: 'ENABLED',
      Target: { RetryPolicy: { MaximumRetryAttempts: 0 } },
    })
  })

  it('invariant 9: a paused pipeline keeps its mappings, disabled, and a schedule that keeps its state', () => {
    const template = kinesis(stack(), {}, { enabled: false })
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', { Enabled: false })
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      State: 'ENABLED',
      ScheduleExpression: 'rate(1 hour)',
      Target: Match.objectLike({ Input: '{"only":"keep"}' }),
    })
    kinesis(stack()).hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      Target: Match.objectLike({ Input: '{}' }),
    })
    template.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { TreatMissingData: 'breaching' }, 0)
    // While it runs, a schedule that is silent is heard of.
    kinesis(stack()).hasResourceProperties('AWS::CloudWatch::Alarm', {
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      TreatMissingData: 'breaching',
    })
  })
})

describe('the functions', () => {
  it('are on ARM, with JSON logs that do not stay for ever', () => {
    const template = kinesis(stack())
    template.allResourcesProperties('AWS::Lambda::Function', {
      Architectures: ['arm64'],
      Runtime: 'nodejs24.x',
      LoggingConfig: Match.objectLike({ LogFormat: 'JSON' }),
      MemorySize: 1769,
    })
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 })
    template.resourceCountIs('AWS::Lambda::Function', 3)
  })

  it('know their state, sources and sinks by what CloudFormation makes of them', () => {
    const { MILLRACE_STATE, MILLRACE_SOURCES, MILLRACE_SINKS, MILLRACE_DEPLOYMENT } = variables(
      kinesis(stack()),
    ) as Record<string, any>
    expect(MILLRACE_STATE['Fn::Join'][1]).toEqual(['dynamodb:', { Ref: expect.stringMatching(/^PipelineState/) }])
    expect(MILLRACE_SOURCES['Fn::Join'][1]).toEqual([
      '{"orders":{"stream":"',
      { 'Fn::GetAtt': [expect.stringMatching(/^Orders/), 'Arn'] },
      '"}}',
    ])
    expect(MILLRACE_SINKS['Fn::Join'][1].filter((part: unknown) => typeof part === 'string')).toEqual([
      '{"counts":"',
      '","dead-letter":"s3://',
      '/stack/orders/dead-letter/"}',
    ])
    expect(MILLRACE_DEPLOYMENT).toBe('stack/orders')
  })

  it('are in the network of their brokers, and nowhere where there is none', () => {
    msk(stack()).allResourcesProperties('AWS::Lambda::Function', { VpcConfig: Match.objectLike({}) })
    kinesis(stack()).allResourcesProperties('AWS::Lambda::Function', { VpcConfig: Match.absent() })
  })

  it('secrets go by reference alone', () => {
    const text = JSON.stringify(selfManaged(stack()).toJSON())
    expect(text).not.toContain('resolve:secretsmanager')
    expect(text).toContain('secret:AmazonMSK_orders')
  })
})

describe('tables', () => {
  it('of state: on demand, recoverable, kept, with a time to live', () => {
    const template = kinesis(stack())
    const states = Object.entries(template.findResources('AWS::DynamoDB::GlobalTable')).filter(([id]) =>
      id.startsWith('PipelineState'),
    )
    expect(states.map(([, table]) => table)).toMatchObject([
      {
        DeletionPolicy: 'Retain',
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
          TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
          Replicas: [
            { DeletionProtectionEnabled: true, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } },
          ],
        },
      },
    ])
  })

  it('two pipelines share one table of state, and results go where they are told', () => {
    const scope = stack()
    const state = new StateTable(scope, 'State', { removalPolicy: RemovalPolicy.DESTROY }).table
    const counts = TableV2.fromTableName(scope, 'Counts', 'counts')
    for (const name of ['A', 'B']) {
      const stream = new Stream(scope, `Stream${name}`)
      new StreamPipeline(scope, name, {
        pipeline: { ...ofKinesis, name: `orders-${name}` },
        sources: { orders: new KinesisSource(stream) },
        sinks: { counts, 'dead-letter': counts },
        state,
      })
    }
    Template.fromStack(scope).resourceCountIs('AWS::DynamoDB::GlobalTable', 1)
  })

  it('a sink has the keys that its pipeline says', () => {
    const keyed = pipeline('keyed', (p) =>
      p.from(kinesisSource('orders', options)).to(
        dynamodbTable('rows', {
          partitionKey: 'id',
          sortKey: null,
          item: (row: Order) => ({ ...row }),
          version: (row) => row.at,
        }),
      ),
    )
    const scope = stack()
    new StreamPipeline(scope, 'Pipeline', {
      pipeline: keyed,
      sources: { orders: new KinesisSource(new Stream(scope, 'Orders')) },
    })
    Template.fromStack(scope).hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    })
  })
})

describe('what cannot be deployed is refused', () => {
  const stream = (scope = stack()) => new KinesisSource(new Stream(scope, 'Orders'))

  it('a source that is not bound, is not there, or is of another kind', () => {
    const scope = stack()
    expect(() => new StreamPipeline(scope, 'A', { pipeline: ofKinesis, sources: {} })).toThrow(
      'the source "orders" is not bound. Give sources: { "orders": new KinesisSource(stream) }.',
    )
    expect(() => new StreamPipeline(scope, 'B', { pipeline: ofKinesis, sources: { order: stream() } })).toThrow(
      'sources names "order"; pipeline "orders" has orders.',
    )
    expect(() => new StreamPipeline(scope, 'C', { pipeline: ofKafka, sources: { orders: stream() } })).toThrow(
      'the source "orders" is a kafka source, but it is bound to kinesis.',
    )
  })

  it('files: of a source, and of a sink that nobody gives a table', () => {
    const files = pipeline('files', (p) => p.from(fileSource('orders', options)).to(dynamodbTable('rows')))
    expect(() => new StreamPipeline(stack(), 'A', { pipeline: files, sources: {} })).toThrow(
      /source "orders" is a file\. A deployed function cannot read local files/,
    )
    const toFile = pipeline('to-file', (p) => p.from(kinesisSource('orders', options)).to(ndjson('rows')))
    const scope = stack()
    const sources = { orders: stream(scope) }
    expect(() => new StreamPipeline(scope, 'B', { pipeline: toFile, sources })).toThrow(
      `the sink "rows" is a file, and a function loses its disk with its container. Give sinks: { "rows": 'table' }`,
    )
    new StreamPipeline(scope, 'C', { pipeline: toFile, sources, sinks: { rows: 'table' } })
    expect(() => new StreamPipeline(scope, 'D', { pipeline: toFile, sources, sinks: { row: 'table' } })).toThrow(
      'sinks names "row"; pipeline "to-file" has rows, dead-letter.',
    )
  })

  it('two operators whose results would take each other’s place in one table', () => {
    const both = pipeline('both', (p) => {
      const orders = p.from(kinesisSource('orders', options)).keyBy((order) => order.id)
      const out = ndjson('out')
      orders.window(tumbling('1m')).aggregate('minutes', { n: count() }).to(out)
      orders.window(tumbling('1h')).aggregate('hours', { n: count() }).to(out)
    })
    const scope = stack()
    expect(
      () =>
        new StreamPipeline(scope, 'A', { pipeline: both, sources: { orders: stream(scope) }, sinks: { out: 'table' } }),
    ).toThrow(
      'the results of "minutes" and "hours" go to "out", and as items of one table they would overwrite each other.',
    )
  })

  const two = (connector: typeof kafkaSource | typeof kinesisSource) =>
    pipeline('two', (p) => p.from(connector('a', options), connector('b', options)).to(dynamodbTable('rows')))

  it('two sources of one stream, or of two topics of one name', () => {
    const scope = stack()
    const shared = new Stream(scope, 'Shared')
    expect(
      () =>
        new StreamPipeline(scope, 'A', {
          pipeline: two(kinesisSource),
          sources: { a: new KinesisSource(shared), b: new KinesisSource(shared) },
        }),
    ).toThrow(/source "b" is stream .*\. "a" is bound to it too/)
    const topic = () =>
      new MskSource({ clusterArn: CLUSTER, bootstrapServers: ['b:9096'], network: net, topic: 'same' })
    const net = network(scope)
    expect(
      () => new StreamPipeline(scope, 'B', { pipeline: two(kafkaSource), sources: { a: topic(), b: topic() } }),
    ).toThrow(/source "b" is topic same\. "a" is bound to it too/)
  })

  it('provisioned pollers for some topics and not for others; two networks', () => {
    const scope = stack()
    const net = network(scope)
    const msk = { clusterArn: CLUSTER, bootstrapServers: ['b:9096'], network: net }
    expect(
      () =>
        new StreamPipeline(scope, 'A', {
          pipeline: two(kafkaSource),
          sources: { a: new MskSource({ ...msk, provisionedPollers: { minimumPollers: 1 } }), b: new MskSource(msk) },
        }),
    ).toThrow(/provisionedPollers of "a" is given\. "b" has none.*invariant 11.*or none/)
    const other = { ...net, vpc: new Vpc(scope, 'Other') }
    expect(
      () =>
        new StreamPipeline(scope, 'B', {
          pipeline: two(kafkaSource),
          sources: { a: new MskSource(msk), b: new MskSource({ ...msk, network: other }) },
        }),
    ).toThrow(/network is more than one VPC\. The functions of a pipeline are in one VPC\./)
    const subnets = { ...net, vpcSubnets: { subnetType: SubnetType.PUBLIC } }
    expect(
      () =>
        new StreamPipeline(scope, 'C', {
          pipeline: two(kafkaSource),
          sources: { a: new MskSource(msk), b: new MskSource({ ...msk, topic: 'b', network: subnets }) },
        }),
    ).toThrow(/network\.vpcSubnets is more than one choice\. .*Give all sources the same vpcSubnets/)
  })

  it('timeouts that nobody waits for, and ticks that come too seldom', () => {
    const timeout = Duration.seconds(850)
    const scope = stack()
    new StreamPipeline(scope, 'A', { pipeline: ofKinesis, sources: { orders: stream(scope) }, ingest: { timeout } })
    const source = new SelfManagedKafkaSource({ bootstrapServers: ['b:9096'], network: network(scope) })
    expect(
      () => new StreamPipeline(scope, 'B', { pipeline: ofKafka, sources: { orders: source }, ingest: { timeout } }),
    ).toThrow(/B\/Ingest: timeout is 14 minutes 10 seconds\. A Kafka mapping waits for at most 14 minutes/)
    const target = new StreamPipeline(scope, 'C', { pipeline: ofKafka, sources: { orders: source } }).tick.function
    for (const every of [Duration.seconds(30), Duration.minutes(6), Duration.seconds(90)])
      expect(() => new Tick(scope, `Tick${every.toSeconds()}`, { function: target, every })).toThrow(
        /every is .*every 1 to 5 whole minutes/,
      )
  })

  it('more variables than Lambda takes; sources of one cluster say once how it is reached', () => {
    const names = Array.from({ length: 20 }, (_, i) => `topic-${i}`)
    const many = pipeline('many', (p) =>
      p
        .from(...(names.map((name) => kafkaSource(name, options)) as [ReturnType<typeof kafkaSource<Order>>]))
        .to(dynamodbTable('rows')),
    )
    const brokers = (length: number) => Array.from({ length }, (_, i) => `b-${i}.kafka-of-a-long-name.example.com:9096`)
    const scope = stack()
    const net = network(scope)
    const sources = (of: (name: string, i: number) => readonly string[]) =>
      Object.fromEntries(
        names.map((name, i) => [
          name,
          new MskSource({ clusterArn: CLUSTER, bootstrapServers: of(name, i), network: net }),
        ]),
      )
    new StreamPipeline(scope, 'A', { pipeline: many, sources: sources(() => brokers(20)) })
    expect(
      () => new StreamPipeline(scope, 'B', { pipeline: many, sources: sources((_, i) => brokers(5 + i)) }),
    ).toThrow(/the functions' environment variables have about \d+ bytes, and Lambda accepts 4096/)
  })
})

function variables(template: Template): Record<string, unknown> {
  const [ingest] = Object.values(template.findResources('AWS::Lambda::Function'))
  return ingest!.Properties.Environment.Variables
}

describe('a graph that is deployed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const of = (size: '1m' | '2m', lockFile: string, run?: number) => {
    const built = pipeline('orders', (p) =>
      p
        .from(kinesisSource('orders', options))
        .keyBy((order) => order.id)
        .window(tumbling(size))
        .aggregate('counts', { orders: count() })
        .to(dynamodbTable('counts')),
    )
    const scope = stack()
    const sources = { orders: new KinesisSource(new Stream(scope, 'Orders')) }
    return new StreamPipeline(scope, 'Pipeline', {
      pipeline: built,
      sources,
      lockFile,
      ...(run !== undefined && { run }),
    })
  }

  it('is written down by the first synthesis, and refused with what changed by the next', () => {
    const file = join(folder, 'orders.lock.json')
    of('1m', file)
    of('1m', file)
    expect(() => of('2m', file)).toThrow(
      /The graph of "orders" differs from the one in .*orders\.lock\.json: operator "counts": window was tumbling\(1m\) and is tumbling\(2m\)\. The state of run 1 would be refused\. Revert the change, or open a new run with run: 2/,
    )
    of('2m', file, 2)
    expect(() => of('2m', file, 1)).toThrow(/belongs to run 2, and the stack has run 1\. Give the deployed run/)
  })

  it('is not written down by a synthesis that is refused for anything else', () => {
    const file = join(folder, 'refused.lock.json')
    const scope = stack()
    expect(() => kinesis(scope, {}, { lockFile: file, sinks: { nowhere: 'table' } })).toThrow(/sinks names "nowhere"/)
    expect(existsSync(file)).toBe(false)
  })

  it('a lock that is none says so', () => {
    const file = join(folder, 'broken.lock.json')
    writeFileSync(file, '{}')
    expect(() => of('1m', file)).toThrow(
      'broken.lock.json does not hold a graph. Restore it, or delete it if nothing was ever deployed.',
    )
    writeFileSync(file, 'oops')
    expect(() => of('1m', file)).toThrow(/broken\.lock\.json cannot be read/)
  })
})

describe('a pipeline of twenty sources', () => {
  it('keeps within what CloudFormation and IAM take', () => {
    const names = Array.from({ length: 20 }, (_, i) => `orders-of-region-${i}`)
    const many = pipeline('many', (p) =>
      p
        .from(...(names.map((name) => kinesisSource(name, options)) as [ReturnType<typeof kinesisSource<Order>>]))
        .keyBy((order) => order.id)
        .window(tumbling('1m'))
        .aggregate('counts', { orders: count() })
        .to(dynamodbTable('counts')),
    )
    const scope = stack()
    const streamOf = (name: string) =>
      Stream.fromStreamArn(scope, name, `arn:aws:kinesis:eu-west-1:123456789012:stream/${name}`)
    new StreamPipeline(scope, 'Pipeline', {
      pipeline: many,
      sources: Object.fromEntries(names.map((name) => [name, new KinesisSource(streamOf(name))])),
    })
    const template = Template.fromStack(scope)
    const { Resources } = template.toJSON()
    expect(Object.keys(Resources).length).toBeLessThan(100)
    expect(JSON.stringify(template.toJSON()).length).toBeLessThan(200_000)
    // Of all policies of a role together; a reference becomes an ARN of a hundred characters.
    for (const { Properties } of Object.values(template.findResources('AWS::IAM::Policy')))
      expect(JSON.stringify(Properties.PolicyDocument).length).toBeLessThan(10_240)
  })
})

describe('the template', () => {
  it.each([
    ['a stream', kinesis],
    ['a topic of MSK', msk],
    ['a topic of another cluster', selfManaged],
  ])('of %s is what it was', (_, make) => {
    const { Resources } = (make as (scope: Stack) => Template)(stack()).toJSON()
    // Networks are not ours, and what watches has tests of its own.
    const ours = Object.entries<{ Type: string }>(Resources).filter(
      ([, { Type }]) => !/::(EC2|CloudWatch)::/.test(Type),
    )
    expect(Object.fromEntries(ours)).toMatchSnapshot()
  })
})

describe('the queue of advances', () => {
  const of = (keyGroups: number, props: Partial<StreamPipelineProps> = {}): Template => {
    const built = pipeline('orders', { keyGroups }, (p) =>
      p
        .from(kinesisSource('orders', options))
        .keyBy((order) => order.id)
        .window(tumbling('1m'))
        .aggregate('counts', { orders: count() })
        .to(dynamodbTable('counts')),
    )
    const scope = stack()
    new StreamPipeline(scope, 'Pipeline', {
      pipeline: built,
      sources: { orders: new KinesisSource(new Stream(scope, 'Orders')) },
      ...props,
    })
    return Template.fromStack(scope)
  }

  it('is there where one invocation cannot advance all key groups at a time, or where it is asked for', () => {
    for (const [template, queues] of [
      [of(4), 0],
      [of(5), 1],
      [of(4, { advanceQueue: true }), 1],
      [of(5, { advanceQueue: false }), 0],
    ] as const) {
      template.resourceCountIs('AWS::SQS::Queue', queues)
      expect('MILLRACE_QUEUE' in variables(template)).toBe(queues === 1)
    }
  })

  it('is FIFO, over TLS alone, hides a request for six timeouts, and hands on one at a time', () => {
    const template = of(8, { advance: { timeout: Duration.seconds(100) } })
    template.hasResourceProperties('AWS::SQS::Queue', {
      FifoQueue: true,
      VisibilityTimeout: 600,
      SqsManagedSseEnabled: true,
    })
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: Match.objectLike({
        Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
      }),
    })
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 1,
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^PipelineQueue'), 'Arn'] },
    })
    const roles = Object.values(template.findResources('AWS::IAM::Policy')).map(({ Properties }) =>
      JSON.stringify(Properties),
    )
    expect(roles.filter((role) => role.includes('sqs:SendMessage'))).toHaveLength(3)
    expect(roles.filter((role) => role.includes('sqs:ReceiveMessage'))).toHaveLength(1)
  })

  it('that hides requests for less than six timeouts is refused', () => {
    const props = { timeout: Duration.seconds(60), visibilityTimeout: Duration.seconds(359) }
    expect(() => new AdvanceQueue(stack(), 'Queue', props)).toThrow(
      /visibilityTimeout is 5 minutes 59 seconds\. .*less than 6 timeouts of the function, 6 minutes.*Give more, or leave it out/,
    )
  })
})

describe('groups of consumers', () => {
  const source = (scope: Stack) => new SelfManagedKafkaSource({ bootstrapServers: ['b:9096'], network: network(scope) })
  const groupsIn = (template: Template): string[] =>
    Object.values(template.findResources('AWS::Lambda::EventSourceMapping')).map(
      ({ Properties }) => Properties.SelfManagedKafkaEventSourceConfig.ConsumerGroupId,
    )

  it('of two pipelines that read one topic are two: each has all of it', () => {
    const scope = stack()
    const bound = source(scope)
    for (const name of ['A', 'B']) new StreamPipeline(scope, name, { pipeline: ofKafka, sources: { orders: bound } })
    const groups = groupsIn(Template.fromStack(scope))
    expect(new Set(groups).size).toBe(2)
    for (const group of groups) expect(group).toMatch(/^[a-zA-Z0-9-/*:_+=.@]{1,200}$/)
  })

  it('and mappings of a new run are new: it reads the log from its start', () => {
    const of = (run: number): Template => {
      const scope = stack()
      new StreamPipeline(scope, 'Pipeline', { pipeline: ofKafka, sources: { orders: source(scope) }, run })
      return Template.fromStack(scope)
    }
    const idsIn = (template: Template): string[] =>
      Object.keys(template.findResources('AWS::Lambda::EventSourceMapping'))
    expect(idsIn(of(1))).not.toEqual(idsIn(of(2)))
    expect(groupsIn(of(1))).not.toEqual(groupsIn(of(2)))
    // A stream takes no second mapping of one function while the first one is there.
    const targetIn = (template: Template): unknown =>
      Object.values(template.findResources('AWS::Lambda::EventSourceMapping'))[0]!.Properties.FunctionName
    expect(targetIn(of(1))).not.toEqual(targetIn(of(2)))
  })

  it.each([1, 2])('with IAM may be joined in run %i, the topic read, and no other one', (run) => {
    const scope = stack()
    const bound = new MskSource({
      clusterArn: CLUSTER,
      bootstrapServers: ['b-1.orders.example.com:9098'],
      topic: 'prod-orders',
      network: network(scope),
      credentials: { kind: 'iam' },
    })
    new StreamPipeline(scope, 'Pipeline', { pipeline: ofKafka, sources: { orders: bound }, run })
    const template = Template.fromStack(scope)
    const [mapping] = Object.values(template.findResources('AWS::Lambda::EventSourceMapping'))
    expect(mapping!.Properties).toMatchObject({ EventSourceArn: CLUSTER, Topics: ['prod-orders'] })
    // A mapping that names no secret logs in by IAM.
    expect(mapping!.Properties).not.toHaveProperty('SourceAccessConfigurations')
    const group = mapping!.Properties.AmazonManagedKafkaEventSourceConfig.ConsumerGroupId
    const of = (kind: string): string => CLUSTER.replace(':cluster/', `:${kind}/`)
    const resources = Object.values(template.findResources('AWS::IAM::Policy'))
      .flatMap((policy) => policy.Properties.PolicyDocument.Statement)
      .filter(({ Action }) => String(Action).includes('kafka-cluster:'))
      .map(({ Resource }) => Resource)
    expect(new Set(resources)).toEqual(new Set([CLUSTER, `${of('topic')}/prod-orders`, `${of('group')}/${group}`]))
    const { MILLRACE_SOURCES } = variables(template) as { MILLRACE_SOURCES: string }
    expect(JSON.parse(MILLRACE_SOURCES)).toEqual({
      orders: {
        topic: 'prod-orders',
        brokers: ['b-1.orders.example.com:9098'],
        cluster: CLUSTER,
        tls: true,
        mechanism: 'aws-msk-iam',
      },
    })
  })

  it('a secret that is known by its name alone is allowed with the characters that AWS adds', () => {
    const scope = stack()
    const secret = Secret.fromSecretNameV2(scope, 'Named', 'kafka-login')
    const bound = new SelfManagedKafkaSource({ bootstrapServers: ['b:9096'], credentials: { kind: 'plain', secret } })
    new StreamPipeline(scope, 'Pipeline', { pipeline: ofKafka, sources: { orders: bound } })
    expect(JSON.stringify(Template.fromStack(scope).findResources('AWS::IAM::Policy'))).toContain(
      'secret:kafka-login-??????',
    )
  })
})
