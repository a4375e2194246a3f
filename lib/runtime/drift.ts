import { RetryableError } from '../base/index.js'
import type { StagePlan } from '../pipeline/index.js'
import type { SourceNode } from '../ports/index.js'
import type { Host } from './host.js'
import { splitKey } from './keys.js'
import { sealOf } from './seal.js'
import { asRead, readSplit, type SplitState } from './split-item.js'

/**
 * Where a record lies far ahead of all before it in its log, and nobody knows when it arrived, only a clock tells a gap
 * from a stamp of the future. What it says is written down first, for the rest of the batch: whoever comes to these
 * records again decides by the same mark (invariant 1). Whoever was first stands; the record that asks is the next
 * after the position, so no mark is replaced that somebody may still decide by.
 */
export async function markLimit(
  host: Host,
  stage: StagePlan,
  input: { readonly source: SourceNode<any> },
  split: SplitState,
  first: string,
  last: string,
): Promise<SplitState> {
  const limit = host.services.clock.now() + input.source.maxFutureDriftMs
  const verdict = await host.services.store.update({
    key: splitKey(host.prefix, stage, split.name),
    set: { limit, limitTo: last, limitSeal: sealOf(split.name, limit, last) },
    when: [
      ...asRead(split), // guard: limit-as-read
      { attribute: 'limitTo', is: 'below', value: first }, // guard: limit-first
    ],
  })
  const item = verdict.item
  if (item === undefined) throw new RetryableError('lost-split', `The item of the split ${split.name} is gone.`)
  const stands = readSplit(item, stage.operators.length)
  // Another attempt's mark counts, or its progress; with another gate what was classified would be, too.
  if (stands.gate === split.gate && stands.stopped === '' && stands.next === '') return stands
  throw new RetryableError('gate-moved', `The split ${split.name} changed during an attempt. The batch comes again.`)
}
