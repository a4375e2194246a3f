import { Stack, Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/** Findings of cdk-nag that are accepted, with the reasons. */
const REASONS = {
  'AwsSolutions-IAM5[Resource::*]':
    'Network interfaces have no ARN before they are created, so EC2 only accepts these actions on *. They allow nothing else.',
  'AwsSolutions-S1':
    'Only the functions of the pipeline write to the bucket, each object once. CloudTrail data events show any other access.',
  'Serverless-LambdaDLQ':
    'No event is lost after a failed invocation: mappings repeat a batch until it is done, and the schedule invokes again a minute later. Bad records go to the dead letter.',
  'Serverless-LambdaAsyncFailureDestination':
    'Only the schedule invokes asynchronously, and it invokes again a minute later. The next tick does what a failed one left undone.',
  'Serverless-LambdaEventSourceMappingDestination':
    'A mapping that gives up a batch loses its records (invariant 10). So it retries indefinitely, and a bad record never blocks it (invariant 14).',
  'AwsSolutions-SQS3':
    'A request to advance that keeps failing is dropped after an hour; by then, the schedule has done the work.',
  'Serverless-SQSRedrivePolicy':
    'A request to advance that keeps failing is dropped after an hour; by then, the schedule has done the work.',
  'Serverless-LambdaTracing':
    'Tracing needs a permission on * that nothing else here needs. Each invocation writes metrics and logs.',
} as const

/** Records in the template why a rule of cdk-nag does not apply to a construct. */
export function acknowledge(construct: IConstruct, ...ids: readonly (keyof typeof REASONS)[]): void {
  for (const id of ids) Validations.of(construct).acknowledge({ id, reason: REASONS[id] })
}

/**
 * Records in the template why a policy names objects by a prefix. The bucket's name in the template is only known
 * during synthesis.
 */
export function acknowledgeObjects(policy: IConstruct, arns: readonly string[]): void {
  const reason =
    'The names of dead letter objects are not known in advance. This is the folder of one sink of the pipeline.'
  const validate = (): string[] => {
    for (const arn of arns) {
      const id = `AwsSolutions-IAM5[Resource::${flat(Stack.of(policy).resolve(arn))}]`
      Validations.of(policy).acknowledge({ id, reason })
    }
    return []
  }
  policy.node.addValidation({ validate })
}

/** CloudFormation's intrinsic functions in the notation of cdk-nag. */
function flat(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll('${', '<').replaceAll('}', '>')
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join, ...others } = value as Record<string, any>
  if (join !== undefined) return join[1].map(flat).join(join[0])
  if (attribute !== undefined) return `<${attribute.map(flat).join('.')}>`
  if (Ref !== undefined) return `<${Ref}>`
  const inner = others['Fn::Sub'] ?? others['Fn::ImportValue']
  return inner === undefined ? JSON.stringify(value) : flat(inner)
}
