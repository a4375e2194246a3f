import { EventShapeError } from '../base/index.js'
import { type OperatorPlan, operatorNamed, type Pipeline, type Plan } from '../pipeline/index.js'
import type { AdvanceRequest } from '../ports/index.js'
import { advanceOrPass, advanceStage } from '../runtime/stage-advance.js'
import { type Bindings, container } from './bindings.js'
import type { Handler } from './ingest.js'
import { deadlineOf, measured } from './invocation.js'

/**
 * The handler that closes slices of a key group when ingest had no time to do so. It accepts one request, or an SQS
 * event whose bodies are requests as JSON.
 * @example export const handler = advance(pipeline, { state: () => lmdbStore('/tmp/state') })
 */
export function advance(pipeline: Pipeline, bindings?: Bindings): Handler {
  const open = container(pipeline, bindings)
  return async (event, context) => {
    const opened = await open()
    return measured(opened, 'advance', async () => {
      const { host } = opened
      await host.ready()
      const deadline = deadlineOf(context, opened)
      const requests = requestsOf(event)
      const operators = requests.map((request) => operatorOf(host.plan, request))
      for (const [i, request] of requests.entries()) {
        const outcome = await advanceOrPass(host, operators[i]!, request.keyGroup, deadline)
        const next = host.stageAfter(request.operator)
        if (outcome === 'done' && next !== undefined) await advanceStage(host, next, deadline)
      }
      return {}
    })
  }
}

function operatorOf(plan: Plan, { operator: name, keyGroup }: AdvanceRequest): OperatorPlan {
  const operator = operatorNamed(plan, name)
  if (Number.isSafeInteger(keyGroup) && keyGroup >= 0 && keyGroup < operator.keyGroups) return operator
  throw new EventShapeError(
    `Operator "${name}" has key groups 0 to ${operator.keyGroups - 1}, but the request names ${keyGroup}.`,
  )
}

function requestsOf(event: unknown): AdvanceRequest[] {
  const records = (event as { Records?: ({ body?: string } | null)[] } | null)?.Records
  const requests = Array.isArray(records) ? records.map((record) => parse(record?.body)) : [event]
  for (const request of requests as Partial<AdvanceRequest>[]) {
    if (typeof request?.operator === 'string' && typeof request.keyGroup === 'number') continue
    throw new EventShapeError(
      'The advance handler expects { operator, keyGroup }, or an SQS event whose bodies are such objects.',
    )
  }
  return requests as AdvanceRequest[]
}

function parse(body: unknown): unknown {
  try {
    return JSON.parse(String(body))
  } catch {
    return undefined
  }
}
