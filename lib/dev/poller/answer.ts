import { type Found, type Judgement, judgeAnswer } from '../../testing/answer.js'
import { sequenceNumber } from '../input/numbering.js'
import type { StreamInput } from '../input/stream-input.js'
import type { Range } from './events.js'

/** Judges the answer to an event of an emulated source. */
export function judge(input: StreamInput, ranges: readonly Range[], answer: unknown): Judgement {
  const ends = ranges.map((range) => range.to)
  return judgeAnswer(answer, ends, (identifier) => locate(input, ranges, identifier))
}

function locate(input: StreamInput, ranges: readonly Range[], identifier: any): Found | undefined {
  const { connector } = input.source
  for (const [range, { log, from, to }] of ranges.entries()) {
    let index = -1
    if (connector === 'kinesis' && typeof identifier === 'string') index = Number(identifier.slice(-11))
    if (connector === 'kinesis' && identifier !== sequenceNumber(index)) continue
    if (connector === 'kafka' && identifier?.partition === log.split) index = identifier.offset
    if (connector === 'file' && identifier?.split === log.split) index = identifier.offset
    if (Number.isSafeInteger(index) && index >= from && index < to) return { range, index }
  }
  return undefined
}
