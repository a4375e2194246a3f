import { ConfigError } from '../base/index.js'
import type { Pipeline } from './graph.js'
import { check } from './rules.js'
import { cutStages, type OperatorPlan, type Plan } from './stages.js'

const plans = new WeakMap<Pipeline, Plan>()

/**
 * Divides a pipeline into stages and checks it. Pure, and computed once for each pipeline.
 * @throws {ConfigError} if the pipeline is not valid, with the rule, the value and the fix
 */
export function plan(pipeline: Pipeline): Plan {
  const known = plans.get(pipeline)
  if (known) return known
  const made = cutStages(pipeline)
  check(made)
  plans.set(pipeline, made)
  return made
}

/**
 * The operator with this name.
 * @throws {ConfigError} `unknown-operator`, with the names that exist
 */
export function operatorNamed(plan: Plan, name: string): OperatorPlan {
  const found = plan.operators.find((operator) => operator.name === name)
  if (found) return found
  throw new ConfigError(
    'unknown-operator',
    `Pipeline "${plan.pipeline.name}" has no operator "${name}". It has: ${plan.operators.map((o) => o.name).join(', ') || 'none'}.`,
  )
}
