import { assert } from '../base/index.js'
import type { OperatorPlan, StagePlan } from '../pipeline/index.js'
import type { Host } from './host.js'
import { keyGroupSplit } from './keys.js'
import { begin } from './membership.js'
import type { SplitState } from './split-item.js'

/**
 * Makes a key group a member of the next stage again, if it had left that stage while its own stage was at rest
 * (invariant 5). Call this after reading the watermark up to which slices are closed: the process that lets key groups
 * leave reads that watermark after setting the mark.
 */
export async function joinNext(
  host: Host,
  next: StagePlan,
  operator: OperatorPlan,
  keyGroup: number,
): Promise<SplitState> {
  const input = next.inputs.find((candidate) => candidate.name === operator.name)!
  const begun = await begin(host, next, input, keyGroupSplit(keyGroup))
  assert(begun.kind === 'member', `key group ${keyGroup} of "${operator.name}" is ${begun.kind}`)
  return begun.split
}
