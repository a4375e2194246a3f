import { createReadStream, existsSync, statSync } from 'node:fs'
import { ConfigError } from '../../base/index.js'
import { linesIn } from '../../sinks/file/lines.js'
import type { DeadLetter, DeadLetters } from './letter.js'

/**
 * Dead letters as a local run writes them, a line each. They are looked at only: the next run writes the file anew.
 * @throws {ConfigError} `no-letters` where there is no such file
 */
export function fileLetters(file: string): DeadLetters {
  if (!existsSync(file) || !statSync(file).isFile())
    throw new ConfigError(
      'no-letters',
      `There is no file ${file}. Give the dead letter's file of a local run, such as .millrace/NAME/out/rejected.ndjson.`,
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
            `Line ${line} of ${file} is no dead letter: it is no JSON with a reason.`,
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
