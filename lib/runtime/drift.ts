import { RetryableError } from '../base/index.js'
import type { StagePlan } from '../pipeline/index.js'
import type { SourceNode } from '../ports/index.js'
import type { Host } from './host.js'
import { splitKey } from './keys.js'
import { sealOf } from './seal.js'
import { asRead, readSplit, type SplitState } from './split-item.js'

/**
 * Stores a time limit for a record that is far ahead of all previous records in its log and whose arrival time is not
 * known. Only a clock can distinguish a gap in the log from a timestamp in the future. The clock's answer is stored
 * first, for the rest of the batch, so that every attempt that reads these records decides by the same mark (invariant
 * 1). The first mark wins. The record that needs it directly follows the position, so no mark is replaced that another
 * attempt may still use.
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
  if (item === undefined)
    throw new RetryableError('lost-split', `The item of the split ${split.name} no longer exists.`)
  const stands = readSplit(item, stage.operators.length)
  // Another attempt's mark is used, and so is its progress. But a different gate would change how records are
  // classified.
  if (stands.gate === split.gate && stands.stopped === '' && stands.next === '') return stands
  throw new RetryableError(
    'gate-moved',
    `The split ${split.name} changed during an attempt. The batch will be retried.`,
  )
}
