/** A deleted row, as append-only outputs write it: with `op: '-'`, like a result that is taken back. */
function deletion(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { op: '-', value }
  return (value as { op?: unknown }).op === '-' ? value : { ...value, op: '-' }
}

/**
 * JSON of an output row, whatever user code put into it. A bigint becomes text. A value that JSON cannot write at all,
 * such as a cycle, becomes a note with the reason. If the sink threw instead, the row would be retried forever.
 */
export function rowJson(row: unknown, op?: '-'): string {
  const value = op === undefined ? row : deletion(row)
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
