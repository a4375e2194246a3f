/**
 * A row that ceases to be, as it is written where rows are only added: with `op: '-'`, as a result has it that is taken
 * back.
 */
function taken(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { op: '-', value }
  return (value as { op?: unknown }).op === '-' ? value : { ...value, op: '-' }
}

/**
 * JSON of a row on its way out, whatever user code put into it: a bigint as text, and what JSON cannot write at all (a
 * cycle) as a note that says so. A row that a sink cannot write would come again for ever.
 */
export function rowJson(row: unknown, op?: '-'): string {
  const value = op === undefined ? row : taken(row)
  try {
    return JSON.stringify(value) ?? 'null'
  } catch {
    return careful(value)
  }
}

function careful(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part))
  } catch (error) {
    return JSON.stringify({ unwritable: error instanceof Error ? error.message.split('\n')[0] : String(error) })
  }
}
