import { Stack, Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/** Findings of cdk-nag that are meant to be so, and why. */
const REASONS = {
  'AwsSolutions-IAM5[Resource::*]':
    'Network interfaces have no name before they are made: EC2 takes these actions on * alone, and they allow nothing else.',
  'AwsSolutions-S1':
    'The functions of the pipeline alone write to it, each object once; data events of CloudTrail say who else does anything with it.',
  'Serverless-LambdaDLQ':
    'Nothing is dead after an invocation: mappings repeat a batch until it is done, the schedule comes again a minute later; bad records go to the dead letter by themselves.',
  'Serverless-LambdaAsyncFailureDestination':
    'The schedule alone invokes asynchronously, and comes again a minute later: what a tick left undone the next one does.',
  'Serverless-LambdaEventSourceMappingDestination':
    'A mapping that gives a batch up loses its records (invariant 10): it repeats for ever, and poison never blocks it (invariant 14).',
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

/**
 * Says in the template why a policy names objects by the beginning of their names. Only as the app is synthesized is it
 * known how the template will name the bucket.
 */
export function acknowledgeObjects(policy: IConstruct, arns: readonly string[]): void {
  const reason =
    'Dead letters are in objects whose names nobody knows before: this is the folder of one sink of the pipeline.'
  const validate = (): string[] => {
    for (const arn of arns) {
      const id = `AwsSolutions-IAM5[Resource::${flat(Stack.of(policy).resolve(arn))}]`
      Validations.of(policy).acknowledge({ id, reason })
    }
    return []
  }
  policy.node.addValidation({ validate })
}

/** CloudFormation's functions as cdk-nag writes them. */
function flat(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll('${', '<').replaceAll('}', '>')
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join, ...others } = value as Record<string, any>
  if (join !== undefined) return join[1].map(flat).join(join[0])
  if (attribute !== undefined) return `<${attribute.map(flat).join('.')}>`
  if (Ref !== undefined) return `<${Ref}>`
  const inner = others['Fn::Sub'] ?? others['Fn::ImportValue']
  return inner === undefined ? JSON.stringify(value) : flat(inner)
}
