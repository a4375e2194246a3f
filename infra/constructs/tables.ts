import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import { keyStatements, TABLE_KEY_ACTIONS } from './keys.js'

/**
 * What the store does with the state's table: strong reads, conditional writes, pages of a partition. Never a scan,
 * never a delete, and only in partitions of its own run: pipelines may share a table, and none reaches another's keys.
 */
export function stateStatements(scope: Construct, table: ITable, prefix: string): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: [
        'dynamodb:BatchGetItem',
        'dynamodb:PartiQLInsert',
        'dynamodb:PutItem',
        'dynamodb:Query',
        'dynamodb:UpdateItem',
      ],
      resources: [table.tableArn],
      conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${prefix}#*`] } },
    }),
    ...keyStatements(scope, table.encryptionKey, 'dynamodb', TABLE_KEY_ACTIONS),
  ]
}

/**
 * What a sink does with its table: conditional writes, a look at what stands, and at its keys where a row is refused.
 */
export function sinkStatements(scope: Construct, table: ITable): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: [
        'dynamodb:BatchGetItem',
        'dynamodb:DescribeTable',
        'dynamodb:PartiQLInsert',
        'dynamodb:PartiQLUpdate',
        'dynamodb:PutItem',
      ],
      resources: [table.tableArn],
    }),
    ...keyStatements(scope, table.encryptionKey, 'dynamodb', TABLE_KEY_ACTIONS),
  ]
}
