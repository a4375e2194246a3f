import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, Billing, TableEncryptionV2, TableV2, type WarmThroughput } from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import { checkOptions } from '../../lib/base/index.js'
import { checkFlag } from './mapping-rules.js'

export interface StateTableProps {
  /**
   * The customer's key that encrypts it.
   * @default - AWS's own
   */
  readonly encryptionKey?: IKey
  /**
   * What becomes of it when the stack goes. State is what was counted: it stays unless told.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
  /** @default - true where it is retained */
  readonly deletionProtection?: boolean
  /**
   * Units a second that the table takes from its first minute on. A new table on demand takes 4,000 write units; one
   * that is to take more at once says so here.
   * @default - DynamoDB's own
   */
  readonly warmThroughput?: WarmThroughput
  /** @default - made up by CloudFormation */
  readonly tableName?: string
}

/**
 * The table of state: keys `pk` and `sk`, `ttl`, on demand, with point-in-time recovery. Several pipelines may share
 * one: each has keys of its own, by its name.
 * @example new StateTable(this, 'State', { removalPolicy: RemovalPolicy.DESTROY })
 */
export class StateTable extends Construct {
  readonly table: TableV2

  constructor(scope: Construct, id: string, props: StateTableProps = {}) {
    super(scope, id)
    checkOptions(this.node.path, props, {
      encryptionKey: true,
      removalPolicy: true,
      deletionProtection: true,
      warmThroughput: true,
      tableName: true,
    })
    checkFlag(this.node.path, 'deletionProtection', props.deletionProtection)
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN
    const isKept = removalPolicy !== RemovalPolicy.DESTROY
    this.table = keyedTable(this, 'Table', { ...props, removalPolicy, isKept, hasTtl: true })
  }
}

/** A table with the keys that Millrace's state and its sinks have. */
export function keyedTable(
  scope: Construct,
  id: string,
  props: StateTableProps & { readonly isKept: boolean; readonly hasTtl: boolean; readonly keys?: readonly string[] },
): TableV2 {
  const [partitionKey = 'pk', sortKey] = props.keys ?? ['pk', 'sk']
  return new TableV2(scope, id, {
    ...(props.tableName !== undefined && { tableName: props.tableName }),
    partitionKey: { name: partitionKey, type: AttributeType.STRING },
    ...(sortKey !== undefined && { sortKey: { name: sortKey, type: AttributeType.STRING } }),
    billing: Billing.onDemand(),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: props.deletionProtection ?? props.isKept,
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    encryption:
      props.encryptionKey === undefined
        ? TableEncryptionV2.awsManagedKey()
        : TableEncryptionV2.customerManagedKey(props.encryptionKey),
    ...(props.hasTtl && { timeToLiveAttribute: 'ttl' }),
    ...(props.warmThroughput !== undefined && { warmThroughput: props.warmThroughput }),
  })
}
