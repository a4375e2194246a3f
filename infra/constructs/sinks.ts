import { RemovalPolicy } from 'aws-cdk-lib'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import type { Plan } from '../../lib/pipeline/index.js'
import type { SinkTarget } from './bindings.js'
import { DeadLetters } from './dead-letters.js'
import { keyedTable } from './state-table.js'
import { sinkStatements } from './tables.js'

/** A sink as the stack has it. */
export interface BoundSink {
  /** As the functions' environment names it: a table's name, or `s3://BUCKET/PREFIX`. */
  readonly place: string
  readonly statements: readonly PolicyStatement[]
  readonly table?: ITable
  /** The ARN of its objects, with a '*' at its end. */
  readonly objects?: string
}

/** Every sink of the plan that is a table or a bucket here, by logical name. Tables that are not named are made, and the bucket of a dead letter that is not. */
export function bindSinks(
  scope: Construct,
  { pipeline, sinks }: Plan,
  targets: Readonly<Record<string, SinkTarget>>,
  removalPolicy: RemovalPolicy,
): Readonly<Record<string, BoundSink>> {
  const bound: Record<string, BoundSink> = {}
  for (const { name, connector, options } of sinks) {
    const target =
      targets[name] ??
      (connector === 'dead-letter' ? new DeadLetters(scope, 'DeadLetters', { removalPolicy }) : undefined)
    if (target instanceof DeadLetters) {
      const place = target.placeOf(pipeline.name, name)
      const statements = target.writeStatements(scope, pipeline.name, name)
      bound[name] = { place, statements, objects: target.objectsOf(pipeline.name, name) }
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
