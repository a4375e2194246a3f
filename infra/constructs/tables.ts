import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import { keyStatements, TABLE_KEY_ACTIONS } from './keys.js'

/**
 * The store's permissions on the state table: strongly consistent reads, conditional writes, and queries of a
 * partition. It never scans or deletes, and only accesses partitions of its own run: pipelines may share a table, but
 * cannot access each other's keys. A pipeline with keyed state also updates many items with one request.
 */
export function stateStatements(
  scope: Construct,
  table: ITable,
  prefix: string,
  hasKeyedState: boolean,
): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: [
        'dynamodb:BatchGetItem',
        'dynamodb:PartiQLInsert',
        ...(hasKeyedState ? ['dynamodb:PartiQLUpdate'] : []),
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
 * A sink's permissions on its table: conditional writes, reads of stored items, and a description of the table, which
 * it needs if a row is refused.
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
