import { App } from 'aws-cdk-lib'
import { FlightsStack } from './flights-stack.js'

/** One stack per stage: `npx cdk deploy -c stage=prod -c brokers=… -c secretArn=…`. */
const app = new App()
const context = (name: string): string => String(app.node.tryGetContext(name))
const stage = context('stage')

new FlightsStack(app, `flights-${stage}`, {
  isForGood: stage === 'prod',
  brokers: context('brokers').split(','),
  secretArn: context('secretArn'),
})
