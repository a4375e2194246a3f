import { RemovalPolicy } from 'aws-cdk-lib'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { Policy, type PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import type { Plan } from '../../lib/pipeline/index.js'
import { acknowledgeObjects } from './acknowledged.js'
import type { SinkTarget } from './bindings.js'
import { DeadLetters } from './dead-letters.js'
import { keyedTable } from './state-table.js'
import { sinkStatements } from './tables.js'

/** A sink as the stack has it. */
export interface BoundSink {
  /** As the functions' environment names it: a table's name, or `s3://BUCKET/FOLDER`. */
  readonly place: string
  readonly statements: readonly PolicyStatement[]
  /** None of a bucket. */
  readonly table?: ITable
}

export interface SinkBindings {
  readonly plan: Plan
  readonly targets: Readonly<Record<string, SinkTarget>>
  readonly removalPolicy: RemovalPolicy
  /** What buckets' folders begin with: letters of two stacks, pipelines or runs may have the same ids. */
  readonly folder: (sink: string) => string
}

/**
 * Every sink of the plan that is a table or a bucket here, by logical name. Tables that are not named are made, and the
 * bucket of a dead letter that is not.
 */
export function bindSinks(scope: Construct, bindings: SinkBindings): Readonly<Record<string, BoundSink>> {
  const { plan, targets, removalPolicy, folder } = bindings
  const bound: Record<string, BoundSink> = {}
  for (const { name, connector, options } of plan.sinks) {
    const target =
      targets[name] ??
      (connector === 'dead-letter' ? new DeadLetters(scope, 'DeadLetters', { removalPolicy }) : undefined)
    if (target instanceof DeadLetters) {
      bound[name] = { place: target.placeOf(folder(name)), statements: target.writeStatements(scope, folder(name)) }
    } else if (target !== undefined && target !== 'table') {
      bound[name] = { place: target.tableName, statements: sinkStatements(scope, target), table: target }
    } else if (target === 'table' || connector === 'dynamodb') {
      const { partitionKey = 'pk', sortKey = 'sk' } = options as { partitionKey?: string; sortKey?: string | null }
      const keys = sortKey === null ? [partitionKey] : [partitionKey, sortKey]
      const isKept = removalPolicy !== RemovalPolicy.DESTROY
      const table = keyedTable(scope, `Sink-${name}`, { removalPolicy, isKept, hasTtl: false, keys })
      bound[name] = { place: table.tableName, statements: sinkStatements(scope, table), table }
    }
  }
  return bound
}

/**
 * Permissions on buckets are a policy of their own: what they name ends with '*', and that is explained for them alone.
 */
export function allowLetters(role: Role, sinks: Readonly<Record<string, BoundSink>>): void {
  const statements = Object.values(sinks).flatMap((sink) => (sink.table === undefined ? sink.statements : []))
  if (statements.length === 0) return
  const policy = new Policy(role, 'Letters', { statements: [...statements], roles: [role] })
  acknowledgeObjects(
    policy,
    statements.flatMap(({ resources }) => resources.filter((arn) => arn.endsWith('*'))),
  )
}
