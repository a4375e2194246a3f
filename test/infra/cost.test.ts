import { Duration } from 'aws-cdk-lib'
import { Annotations, Match, type Template } from 'aws-cdk-lib/assertions'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Stream, StreamMode } from 'aws-cdk-lib/aws-kinesis'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { describe, expect, it } from 'vitest'
import { KinesisSource, StreamPipeline } from '../../infra/constructs/index.js'
import { shapeOf } from '../../lib/cost/index.js'
import { alarmsOf } from '../../lib/cost/watching.js'
import { PUBLISHED } from '../../lib/observe/index.js'
import { plan } from '../../lib/pipeline/index.js'
import { kinesis, msk, ofKafka, ofKinesis, selfManaged, stack } from './stacks.js'

const expected = { rate: '500/s', size: '300B' }
const infoOf = (scope: ReturnType<typeof stack>): string =>
  String(
    Annotations.fromStack(scope).findInfo('/stack/Pipeline', Match.stringLikeRegexp('About .* per month'))[0]?.entry
      .data,
  )

describe('what it will cost', () => {
  it('is said as it is synthesized, by the settings that it has', () => {
    const scope = stack()
    kinesis(scope, {}, { expected })
    const info = infoOf(scope)
    expect(info).toMatch(/^About \$\d+ per month at 500\/s of 300B: DynamoDB \$[\d.]+, Lambda .*Kinesis .*CloudWatch /)
    expect(info).toMatch(
      /; \$\d+\.\d\d per million records\. Results within 2\.1 s: a batching window of 1 s, at most 1000 records per batch,/,
    )
    expect(info).toMatch(
      / 1769 MB, a tick every 60 s\. Processing \$\d+ and its log \$\d+; others: Managed Flink \$\d+ and /,
    )
    expect(() => kinesis(stack(), {}, { expected: { ...expected, rate: 'much' } })).toThrow(
      /A rate must be in records per second/,
    )
  })

  it('knows the shards of a stream that has a fixed number of them', () => {
    const logOf = (streamMode: StreamMode): number => {
      const scope = stack()
      const stream = new Stream(scope, 'Orders', { streamMode })
      new StreamPipeline(scope, 'Pipeline', {
        pipeline: ofKinesis,
        sources: { orders: new KinesisSource(stream) },
        expected,
      })
      return Number(/its log \$([\d.]+)/.exec(infoOf(scope))![1])
    }
    expect(logOf(StreamMode.PROVISIONED)).toBeLessThan(logOf(StreamMode.ON_DEMAND) / 3)
  })
})

describe('expected.latency', () => {
  const latency = { expected: { ...expected, latency: '10s' } }
  const memories = (template: Template): number[] =>
    Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties.MemorySize)

  it('gives the stack the cheapest settings for it, and says what it costs by those', () => {
    const scope = stack()
    const template = kinesis(scope, {}, latency)
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      MaximumBatchingWindowInSeconds: 8,
      BatchSize: 10_000,
    })
    expect(memories(template)).toEqual([512, 512, 512])
    template.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(1 minute)' })
    expect(infoOf(scope)).toMatch(/Results within 9\.\d s: a batching window of 8 s, at most 10000 records .* 512 MB/)
    Annotations.fromStack(scope).hasNoWarning('/stack/Pipeline', Match.stringLikeRegexp('Results take'))
    const other = kinesis(stack(), {}, { expected: { ...expected, latency: '5m' } })
    other.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: Match.stringLikeRegexp('rate.[2-5]'),
    })
  })

  it('of topics does so too', () => {
    const scope = stack()
    const template = selfManaged(scope, {}, latency)
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', { MaximumBatchingWindowInSeconds: 9 })
  })

  it('leaves what the stack says itself, and warns where that is too slow', () => {
    const scope = stack()
    const props = { ...latency, ingest: { memorySize: 1_024 }, tick: { every: Duration.minutes(3) } }
    const template = kinesis(scope, { maxBatchingWindow: Duration.seconds(60), batchSize: 500 }, props)
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      MaximumBatchingWindowInSeconds: 60,
      BatchSize: 500,
    })
    // Functions that say nothing have as much as ingest.
    expect(memories(template)).toEqual([1_024, 1_024, 1_024])
    template.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(3 minutes)' })
    Annotations.fromStack(scope).hasWarning(
      '/stack/Pipeline',
      Match.stringLikeRegexp(
        'Results take up to 6\\d\\.\\d s .*expected.latency is 10s. The stack itself sets a batching window of 60 s.*Leave out max',
      ),
    )
  })

  it.each<[string, RegExp]>([
    ['soon', /stack\/Pipeline: expected\.latency must be a duration such as '30s'.*"soon"/],
    ['500ms', /A latency of 500ms is shorter than this pipeline can reach/],
  ])('%s is refused', (short, words) => {
    expect(() => kinesis(stack(), {}, { expected: { ...expected, latency: short } })).toThrow(words)
  })
})

describe('alarms', () => {
  const alarmsIn = (template: Template) => Object.values(template.findResources('AWS::CloudWatch::Alarm'))

  it('are as many as a bill says, each of one metric, and none of a metric that is not written', () => {
    for (const [template, pipeline] of [
      [kinesis(stack()), ofKinesis],
      [msk(stack()), ofKafka],
    ] as const) {
      const alarms = alarmsIn(template)
      expect(alarms).toHaveLength(alarmsOf(shapeOf(plan(pipeline))))
      for (const { Properties } of alarms) {
        const [stat, ...others] = Properties.Metrics ?? [{ MetricStat: { Metric: Properties } }]
        expect(others).toEqual([])
        const { Namespace, MetricName, Dimensions } = stat.MetricStat.Metric
        if (Namespace !== 'Millrace') continue
        expect(PUBLISHED).toContain(MetricName)
        expect(Dimensions).toEqual([{ Name: 'Pipeline', Value: 'stack/orders' }])
      }
    }
  })

  it('of which nobody is told are said, with the line to add', () => {
    const said = Match.stringLikeRegexp(
      'no action, so nobody .* alarms: \\{ actions: \\[new SnsAction\\(topic\\)\\] \\}.*https://',
    )
    const silent = stack()
    kinesis(silent)
    Annotations.fromStack(silent).hasWarning('/stack/Pipeline/Alarms', said)
    const heard = stack()
    const actions = [new SnsAction(new Topic(heard, 'Topic'))]
    for (const { Properties } of alarmsIn(kinesis(heard, {}, { alarms: { actions } })))
      expect(Properties.AlarmActions).toHaveLength(1)
    Annotations.fromStack(heard).hasNoWarning('/stack/Pipeline/Alarms', said)
    const none = stack()
    expect(alarmsIn(kinesis(none, {}, { alarms: false }))).toEqual([])
    Annotations.fromStack(none).hasNoWarning('*', said)
  })
})

describe('outputs', () => {
  it('name the table of state, each table of results, and where letters are', () => {
    const outputs = Object.entries(
      kinesis(stack()).toJSON().Outputs as Record<string, { Value: unknown; Description: string }>,
    )
    const of = (id: RegExp) => outputs.filter(([name]) => id.test(name)).map(([, output]) => output)
    expect(of(/^PipelineTablecounts/)).toEqual([
      {
        Value: { Ref: expect.stringMatching(/^PipelineSinkcounts/) },
        Description: 'The table that "orders" writes the results of "counts" into',
      },
    ])
    expect(of(/^PipelineStateTable/)).toHaveLength(1)
    expect(of(/^PipelineLetters/)).toHaveLength(1)
  })
})
