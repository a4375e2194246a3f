import { Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'

/** Permission to use a customer managed key through one service only. Empty if there is no key. */
export function keyStatements(
  scope: Construct,
  key: IKey | undefined,
  service: string,
  actions: readonly string[],
): PolicyStatement[] {
  if (key === undefined) return []
  const { region, urlSuffix } = Stack.of(scope)
  return [
    new PolicyStatement({
      actions: [...actions],
      resources: [key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `${service}.${region}.${urlSuffix}` } },
    }),
  ]
}

/** The actions on a key that DynamoDB needs for a principal that reads and writes a table. */
export const TABLE_KEY_ACTIONS = ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'] as const
