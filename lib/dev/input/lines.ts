import { createReadStream, existsSync, statSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { ConfigError, messageOf } from '../../base/index.js'
import { linesIn } from '../../sinks/file/lines.js'

/** Checks that an input can be read at all, before anything starts. */
export function checkInput(path: string): void {
  if (!existsSync(path))
    throw new ConfigError('no-input', `The input ${path} does not exist. Give an NDJSON file, plain or gzipped.`)
  if (!statSync(path).isFile())
    throw new ConfigError('no-input', `The input ${path} is no file. Give an NDJSON file, plain or gzipped.`)
}

/** The lines of an NDJSON file, gunzipped where its name ends in .gz. Empty lines are left out. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path)
  const gunzip = path.endsWith('.gz') ? createGunzip() : undefined
  // An error of the file has to reach the reader of what it is piped to.
  file.on('error', (error) => gunzip?.destroy(error))
  const input = gunzip === undefined ? file : file.pipe(gunzip)
  try {
    for await (const line of linesIn(input.setEncoding('utf8'))) if (line !== '') yield line
  } catch (error) {
    throw new ConfigError(
      'bad-input',
      `The input ${path} cannot be read: ${messageOf(error)}. Is it ${path.endsWith('.gz') ? 'gzip data' : 'text'}?`,
    )
  } finally {
    file.destroy()
  }
}
