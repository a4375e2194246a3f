import { Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/** Findings of cdk-nag that are meant to be so, and why. */
const REASONS = {
  'AwsSolutions-IAM5[Resource::*]':
    'Network interfaces have no name before they are made: EC2 takes these actions on * alone, and they allow nothing else.',
  'Serverless-LambdaDLQ':
    'Nothing is dead after an invocation: mappings repeat a batch until it is done, the schedule comes again a minute later; bad records go to the dead letter by themselves.',
  'Serverless-LambdaAsyncFailureDestination':
    'The schedule alone invokes asynchronously, and comes again a minute later: what a tick left undone the next one does.',
  'Serverless-LambdaEventSourceMappingDestination':
    'A mapping that gives a batch up loses its records (law 10): it repeats for ever, and poison never blocks it (law 14).',
  'AwsSolutions-SQS3':
    'A request to advance that fails is dropped after an hour: the schedule has done it long before.',
  'Serverless-SQSRedrivePolicy':
    'A request to advance that fails is dropped after an hour: the schedule has done it long before.',
  'Serverless-LambdaTracing':
    'Traces take a permission on * that nothing else here has; metrics and logs are written by each invocation.',
} as const

/** Says in the template why a rule of cdk-nag does not hold for a construct. */
export function acknowledge(construct: IConstruct, ...ids: readonly (keyof typeof REASONS)[]): void {
  for (const id of ids) Validations.of(construct).acknowledge({ id, reason: REASONS[id] })
}
