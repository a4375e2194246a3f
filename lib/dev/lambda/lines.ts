import type { Readable } from 'node:stream'

/** Lambda truncates a log event at 256 KB. */
const LINE_CHARS_MAX = 256 * 1024

/**
 * Calls back with each line of a stream of text, and with the remaining text at its end. A line over the limit is
 * delivered in pieces.
 */
export function onLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) onLine(line)
    if (rest.length > LINE_CHARS_MAX) {
      onLine(rest)
      rest = ''
    }
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
    rest = ''
  })
  stream.on('error', () => undefined)
}
