import { createReadStream, existsSync, statSync } from 'node:fs'
import { ConfigError } from '../../base/index.js'
import { linesIn } from '../../sinks/file/lines.js'
import type { DeadLetter, DeadLetters } from './letter.js'

/**
 * Dead letters as a local run writes them, one per line. They are read-only: the next run writes the file again from
 * scratch.
 * @throws {ConfigError} `no-letters` if the file does not exist
 */
export function fileLetters(file: string): DeadLetters {
  if (!existsSync(file) || !statSync(file).isFile())
    throw new ConfigError(
      'no-letters',
      `There is no file ${file}. Give the dead letter file of a local run, such as .millrace/NAME/out/rejected.ndjson.`,
    )
  return {
    async *all() {
      let line = 0
      for await (const text of linesIn(createReadStream(file, 'utf8'))) {
        line++
        if (text === '') continue
        const letter = letterIn(text)
        if (letter === undefined)
          throw new ConfigError(
            'bad-letters',
            `Line ${line} of ${file} is not a dead letter: it is not a JSON object with a reason.`,
          )
        yield { ...letter, id: `${letter.source}/${letter.split}/${letter.position}`, place: `${file}:${line}` }
      }
    },
    remove: async () => undefined,
    finish: async () => undefined,
    close: () => undefined,
  }
}

function letterIn(text: string): DeadLetter | undefined {
  try {
    const row = JSON.parse(text)
    return typeof row?.reason === 'string' ? row : undefined
  } catch {
    return undefined
  }
}
