import { init } from '../init.js'
import type { Io } from './io.js'

export interface InitFlags {
  readonly millrace?: string
}

/** `millrace init`. */
export async function initCommand(directory: string, flags: InitFlags, io: Io): Promise<number> {
  const { files, version } = init(directory, { ...(flags.millrace !== undefined && { version: flags.millrace }) })
  io.stdout.write(`${files.map((file) => `  ${file}`).join('\n')}\n`)
  if (flags.millrace === undefined && version.startsWith('file:'))
    io.stdout.write(
      `\n${version.slice('file:'.length)} is the package that this command ran from. Keep it with the project until you replace it with a published version.\n`,
    )
  io.stdout.write(`\ncd ${directory} && npm install && npm start\n`)
  return 0
}
