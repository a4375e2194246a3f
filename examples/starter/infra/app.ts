import { App, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Stream, StreamMode } from 'aws-cdk-lib/aws-kinesis'
import { KinesisSource, StreamPipeline } from 'millrace/cdk'
import pipeline from '../pipeline.js'

/** One stack per stage: `npx cdk deploy -c stage=prod`. */
const app = new App()
const stage = String(app.node.tryGetContext('stage'))
const stack = new Stack(app, `NAME-${stage}`)
const removalPolicy = stage === 'prod' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY

const orders = new Stream(stack, 'Orders', { streamMode: StreamMode.ON_DEMAND, removalPolicy })
new StreamPipeline(stack, 'Pipeline', {
  pipeline,
  sources: { orders: new KinesisSource(orders) },
  // Applies the cheapest settings for results within 10 s; cdk synth prints their cost.
  expected: { rate: '500/s', size: '300B', latency: '10s' },
  removalPolicy,
})
