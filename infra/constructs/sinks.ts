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

/** A sink with its resource in the stack. */
export interface BoundSink {
  /** The place of the sink in the functions' environment: a table's name, or `s3://BUCKET/FOLDER`. */
  readonly place: string
  readonly statements: readonly PolicyStatement[]
  /** Undefined for a bucket. */
  readonly table?: ITable
}

export interface SinkBindings {
  readonly plan: Plan
  readonly targets: Readonly<Record<string, SinkTarget>>
  readonly removalPolicy: RemovalPolicy
  /** The folder in a bucket. Dead letters of different stacks, pipelines or runs may have the same ids. */
  readonly folder: (sink: string) => string
}

/**
 * Every sink of the plan that is a table or a bucket, by logical name. A table that is not given is created, and so is
 * a bucket for dead letters.
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
 * Adds the permissions on buckets as a separate policy. Their resources end with '*', which is acknowledged for this
 * policy only.
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
