import { App, Aws, CfnParameter, Fn, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Stream, StreamConsumer } from 'aws-cdk-lib/aws-kinesis'
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { describe, expect, it } from 'vitest'
import { KinesisSource, MskSource, StateTable, StreamPipeline } from '../../infra/constructs/index.js'
import { dynamodbTable, kafkaSource, kinesisSource, outOfOrder, pipeline } from '../../lib/index.js'
import { CLUSTER, msk, network, type Order, ofKafka, ofKinesis, selfManaged, stack } from './stacks.js'

const options = { timestamp: (order: Order) => order.at, watermark: outOfOrder('30s') }
const two = (source: typeof kafkaSource) =>
  pipeline('two', (p) => {
    p.from(source('a', options)).to(dynamodbTable('rows-a', { item: (row) => ({ ...row }), version: () => 1 }))
    p.from(source('b', options)).to(dynamodbTable('rows-b', { item: (row) => ({ ...row }), version: () => 1 }))
  })
const arnOf = (account: string, region = 'eu-west-1'): string => `arn:aws:kinesis:${region}:${account}:stream/orders`

/** What the functions are told of their sources, resolved as far as it is known. */
function sourcesOf(template: Template): unknown {
  const [made] = Object.values(
    template.findResources('AWS::Lambda::Function', { Properties: { Handler: 'index.handler' } }),
  )
  return made!.Properties.Environment.Variables.MILLRACE_SOURCES
}
const mappingsOf = (template: Template): any[] =>
  Object.values(template.findResources('AWS::Lambda::EventSourceMapping')).map(({ Properties }) => Properties)

describe('sources of one name are told apart by where they are', () => {
  it('streams of two accounts', () => {
    const scope = stack()
    const stream = (account: string) => new KinesisSource(Stream.fromStreamArn(scope, account, arnOf(account)))
    const sources = { a: stream('111111111111'), b: stream('222222222222') }
    new StreamPipeline(scope, 'Pipeline', { pipeline: two(kinesisSource), sources })
    expect(JSON.parse(sourcesOf(Template.fromStack(scope)) as string)).toEqual({
      a: { stream: arnOf('111111111111') },
      b: { stream: arnOf('222222222222') },
    })
  })

  it('topics of two clusters, but not of one', () => {
    const scope = stack()
    const net = network(scope)
    const topic = (clusterArn: string, broker: string) =>
      new MskSource({ clusterArn, bootstrapServers: [`${broker}:9094`], network: net, topic: 'orders' })
    const other = CLUSTER.replace('orders', 'other')
    const make = (id: string, b: MskSource) =>
      new StreamPipeline(scope, id, { pipeline: two(kafkaSource), sources: { a: topic(CLUSTER, 'b-1'), b } })
    expect(() => make('Same', topic(CLUSTER, 'b-2'))).toThrow(/source "b" is topic orders\. "a" is bound to it too/)
    expect(() => make('Broker', topic(other, 'b-1'))).toThrow(/source "b" is topic orders\. "a" is bound to it too/)
    make('Two', topic(other, 'b-2'))
    expect(JSON.parse(sourcesOf(Template.fromStack(scope)) as string)).toMatchObject({
      a: { topic: 'orders', cluster: CLUSTER },
      b: { topic: 'orders', cluster: other },
    })
  })
})

describe('what is known only as the stack is deployed', () => {
  it('a topic, in the mapping, its permissions and the environment', () => {
    const scope = stack()
    const topic = new CfnParameter(scope, 'Topic').valueAsString
    const template = msk(scope, { topic, credentials: { kind: 'iam' } })
    expect(mappingsOf(template)[0].Topics).toEqual([{ Ref: 'Topic' }])
    expect(JSON.stringify(sourcesOf(template))).toContain('{"Ref":"Topic"}')
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain(':topic/orders')
  })

  it('a topic of a function that is no pipeline', () => {
    const scope = stack()
    const topic = new CfnParameter(scope, 'Topic').valueAsString
    const made = LambdaFunction.fromFunctionAttributes(scope, 'Fn', {
      functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:x',
      sameEnvironment: true,
    })
    const source = { clusterArn: CLUSTER, bootstrapServers: ['b:9094'], network: network(scope), topic }
    made.addEventSource(new MskSource(source))
    expect(mappingsOf(Template.fromStack(scope))[0].Topics).toEqual([{ Ref: 'Topic' }])
  })

  const cut = { 'Fn::Split': [',', { 'Fn::ImportValue': 'brokers' }] }
  it.each<[string, () => string | string[]]>([
    ['as text', () => Fn.importValue('brokers')],
    ['as text in an array', () => [Fn.importValue('brokers')]],
    ['as a list', () => Fn.split(',', Fn.importValue('brokers'))],
  ])('brokers, %s, are cut at their commas', (_, brokers) => {
    const template = selfManaged(stack(), { bootstrapServers: brokers() })
    expect(mappingsOf(template)[0].SelfManagedEventSource.Endpoints.KafkaBootstrapServers).toEqual(cut)
    expect(JSON.stringify(sourcesOf(template))).toContain(
      '{"Fn::Join":[",",{"Fn::Split":[",",{"Fn::ImportValue":"brokers"}]}]}',
    )
  })

  it('brokers that are known, as text', () => {
    const template = selfManaged(stack(), { bootstrapServers: 'a.example.com:9096, b.example.com:9096' })
    const addresses = ['a.example.com:9096', 'b.example.com:9096']
    expect(mappingsOf(template)[0].SelfManagedEventSource.Endpoints.KafkaBootstrapServers).toEqual(addresses)
    expect(JSON.parse(sourcesOf(template) as string)).toMatchObject({ orders: { brokers: addresses } })
  })
})

describe('a source of another region is refused', () => {
  const of = (scope: Stack, region: string) => {
    const stream = Stream.fromStreamArn(scope, 'Orders', arnOf('111111111111', region))
    return new StreamPipeline(scope, 'Pipeline', {
      pipeline: ofKinesis,
      sources: { orders: new KinesisSource(stream) },
    })
  }

  it('where both are known', () => {
    expect(() => of(stack(), 'us-east-1')).toThrow(
      /KinesisSource of stack\/Orders: stream is arn:.* It is in us-east-1, but the stack is in eu-west-1\. .* Give one in eu-west-1/,
    )
  })

  it('and taken where one is not', () => {
    const anywhere = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'stack')
    expect(() => of(anywhere, 'us-east-1')).not.toThrow()
    expect(() => of(stack(), Aws.REGION)).not.toThrow()
  })
})

describe('what two pipelines of an app would take from each other is refused', () => {
  it('a group of consumers of one topic, in whatever stack', () => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
    const make = (id: string, topic: string, consumerGroupId?: string) => {
      const scope = new Stack(app, id, { env: { account: '123456789012', region: 'eu-west-1' } })
      const bound = new MskSource({
        clusterArn: CLUSTER,
        bootstrapServers: ['b:9094'],
        network: network(scope),
        topic,
        ...(consumerGroupId && { consumerGroupId }),
      })
      return new StreamPipeline(scope, 'Pipeline', { pipeline: ofKafka, sources: { orders: bound } })
    }
    make('first', 'orders', 'readers')
    make('other-topic', 'clicks', 'readers')
    make('other-group', 'orders', 'others')
    make('by-default', 'orders')
    make('by-default-too', 'orders')
    expect(() => make('second', 'orders', 'readers')).toThrow(
      /^second\/Pipeline: consumerGroupId is readers\. first\/Pipeline uses it too, and two mappings with one group share the partitions of a topic: .*Give each a group of its own, or leave it out\.$/,
    )
  })

  it('a consumer of a stream', () => {
    const scope = stack()
    const stream = new Stream(scope, 'Orders')
    const consumer = new StreamConsumer(scope, 'Consumer', { stream, streamConsumerName: 'millrace' })
    const make = (id: string) =>
      new StreamPipeline(scope, id, {
        pipeline: ofKinesis,
        sources: { orders: new KinesisSource(stream, { consumer }) },
      })
    make('A')
    expect(() => make('B')).toThrow(
      /B: consumer is .*A uses it too, and a consumer of a stream has one subscription per shard/,
    )
  })

  it("a pipeline's part of a table of state, but not of another run", () => {
    const scope = stack()
    const { table: state } = new StateTable(scope, 'State')
    const stream = new Stream(scope, 'Orders')
    const make = (id: string, run: number) =>
      new StreamPipeline(scope, id, { pipeline: ofKinesis, sources: { orders: new KinesisSource(stream) }, state, run })
    make('A', 1)
    make('B', 2)
    expect(() => make('C', 1)).toThrow(
      /C: state is one table for two pipelines with the name "orders" and the run 1\. stack\/A uses it too/,
    )
  })
})
