import type { Logger } from '../ports/index.js'

type Level = 'info' | 'warn' | 'error'

/** Writes one JSON object per line, the format that CloudWatch reads. */
export function jsonLogger(
  write: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
  fields: Readonly<Record<string, unknown>> = {},
): Logger {
  const log =
    (level: Level) =>
    (message: string, more: Readonly<Record<string, unknown>> = {}) =>
      write(JSON.stringify({ level, message, ...fields, ...more }))
  return { info: log('info'), warn: log('warn'), error: log('error') }
}

/** Logs nothing. */
export const silentLogger: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
