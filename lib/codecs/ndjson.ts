import { RECORD_VALUES_MAX, RecordRejection, RecordValues } from '../base/index.js'
import type { JsonDecoder } from './json.js'
import { lineRanges, type Range, valueRanges } from './json-values.js'
import { reject } from './rejections.js'

/** The values in some ranges of a text, each decoded as if it were a record of its own. */
interface Parsed {
  readonly ranges: readonly Range[]
  readonly values: readonly unknown[]
}

/**
 * The JSON values of one record. Lines are tried first, because nearly every producer writes one value per line; they
 * are parsed as a batch. A line that is not one value may hold several values in a row. If some lines are still not
 * values, a value may span several lines; that reading is only used if it makes sense of the whole text.
 */
export function ndjsonValues(bytes: Buffer, decoder: JsonDecoder): RecordValues | RecordRejection {
  const lines = lineRanges(bytes, RECORD_VALUES_MAX)
  if (lines.length > RECORD_VALUES_MAX) return reject.manyValues()
  let found = parsed(bytes, lines, decoder)
  if (found.values.some(isBad)) found = cutUp(bytes, found, decoder)
  if (found.values.some(isBad)) found = acrossLines(bytes, decoder) ?? found
  if (found.values.length > RECORD_VALUES_MAX) return reject.manyValues()
  const { ranges } = found
  return new RecordValues(found.values, bytes.length, (i) => bytes.toString('utf8', ranges[i]!.from, ranges[i]!.to))
}

/** Rejections that show that a text was cut in the wrong places. */
const NONSENSE = new Set(['bad-json', 'bad-utf8', 'deep-nesting', 'oversize'])
const isNonsense = (value: unknown): boolean => value instanceof RecordRejection && NONSENSE.has(value.code)
const isBad = (value: unknown): boolean => value instanceof RecordRejection && value.code === 'bad-json'

function parsed(bytes: Buffer, ranges: readonly Range[], decoder: JsonDecoder): Parsed {
  const values: unknown[] = new Array(ranges.length)
  const payloads = {
    sizeBound: (index: number) => ranges[index]!.to - ranges[index]!.from,
    write: (index: number, target: Buffer, at: number) => {
      const { from, to } = ranges[index]!
      return bytes.copy(target, at, from, to)
    },
  }
  decoder.decode(payloads, 0, ranges.length, values)
  return { ranges, values }
}

/** Splits bad lines that hold several values into those values. The other lines stay as they are. */
function cutUp(bytes: Buffer, lines: Parsed, decoder: JsonDecoder): Parsed {
  const ranges: Range[] = []
  const values: unknown[] = []
  for (const [i, range] of lines.ranges.entries()) {
    const pieces = isBad(lines.values[i]) ? valueRanges(bytes, range.from, range.to, RECORD_VALUES_MAX) : []
    const cut = pieces.length > 1 ? parsed(bytes, pieces, decoder) : undefined
    const isWhole = cut !== undefined && !cut.values.some(isNonsense)
    for (const [j, piece] of (isWhole ? pieces : [range]).entries()) {
      ranges.push(piece)
      values.push(isWhole ? cut.values[j] : lines.values[i])
    }
    if (ranges.length > RECORD_VALUES_MAX) break
  }
  return { ranges, values }
}

function acrossLines(bytes: Buffer, decoder: JsonDecoder): Parsed | undefined {
  const ranges = valueRanges(bytes, 0, bytes.length, RECORD_VALUES_MAX)
  const whole = parsed(bytes, ranges, decoder)
  return whole.values.some(isNonsense) ? undefined : whole
}
