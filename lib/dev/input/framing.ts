import { valueRanges } from '../../codecs/json-values.js'

/** How many bytes of a file are examined, at most, to find out how its records are separated. */
export const LOOK_BYTES = 1024 * 1024

/** `values` are the elements of one array, or JSON values that span several lines or follow each other directly. */
export type Framing = 'lines' | 'values' | 'utf-16'

const MARK = '\ufeff'

/**
 * How the records of a file are separated, judged by its first bytes. If the first line is a JSON value by itself, or
 * is not valid even together with the lines after it, the records are lines. A file of one line is a list of records
 * only if that line is an array of objects.
 */
export function framingOf(head: Buffer, isWhole: boolean): Framing {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) return 'utf-16'
  const text = head.toString()
  const start = text.startsWith(MARK) ? text.slice(1) : text
  const trimmed = start.trimStart()
  if (!trimmed.startsWith('{') && !trimmed.startsWith('[')) return 'lines'
  const [first = '', ...others] = trimmed.split('\n', 2)
  const value = parsed(first)
  if (value !== undefined) {
    const isAlone = isWhole && trimmed.trimEnd() === first.trimEnd() && others.every((line) => line.trim() === '')
    return isAlone && isListOfObjects(value) ? 'values' : 'lines'
  }
  // The first value, or the first element of an array.
  const bytes = Buffer.from(trimmed.startsWith('[') ? trimmed.slice(1) : trimmed)
  const [range] = valueRanges(bytes, 0, bytes.length, 1)
  return range !== undefined && parsed(bytes.toString('utf8', range.from, range.to)) !== undefined ? 'values' : 'lines'
}

function parsed(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function isListOfObjects({ json }: { readonly json: unknown }): boolean {
  return (
    Array.isArray(json) &&
    json.length > 0 &&
    json.every((one) => typeof one === 'object' && one !== null && !Array.isArray(one))
  )
}
