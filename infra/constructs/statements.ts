import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'

/**
 * Merges statements with the same actions and conditions. The inline policies of a role are limited to 10,240
 * characters, and a pipeline may have twenty sources.
 */
export function merged(statements: readonly PolicyStatement[]): PolicyStatement[] {
  const byRest = new Map<string, PolicyStatement>()
  for (const statement of statements) {
    const rest = JSON.stringify([[...statement.actions].sort(), statement.conditions])
    const known = byRest.get(rest)
    if (known === undefined) byRest.set(rest, statement.copy())
    else known.addResources(...statement.resources.filter((resource) => !known.resources.includes(resource)))
  }
  return [...byRest.values()]
}
