import { TIME_MIN } from '../base/index.js'
import type { Item } from '../ports/index.js'
import { checkSeal, sealOf } from './seal.js'

/** The watermark item as it was read. */
export interface StageWatermark {
  readonly published: number
  readonly proposed: number
  readonly holder: string
  readonly registered: boolean
  /** When the minimum was last computed, and over how many splits. */
  readonly looked: number
  readonly splits: number
}

export function readWatermark(item: Item | undefined): StageWatermark {
  // guard: watermark-seal
  for (const name of ['proposed', 'watermark'] as const) {
    const value = item?.[name]
    if (value !== undefined) checkSeal(item!, `${name}Seal`, sealOf(name, value), "a stage's watermark")
  }
  return {
    published: (item?.watermark as number | undefined) ?? TIME_MIN,
    proposed: (item?.proposed as number | undefined) ?? TIME_MIN,
    holder: (item?.holder as string | undefined) ?? '',
    registered: item?.registered === true,
    looked: (item?.looked as number | undefined) ?? TIME_MIN,
    splits: (item?.splits as number | undefined) ?? 0,
  }
}
