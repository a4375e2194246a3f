import { init } from '../init.js'
import type { Io } from './io.js'

export interface InitFlags {
  readonly millrace?: string
}

/** `millrace init`. */
export async function initCommand(directory: string, flags: InitFlags, io: Io): Promise<number> {
  const files = init(directory, { ...(flags.millrace !== undefined && { version: flags.millrace }) })
  io.stdout.write(`${files.map((file) => `  ${file}`).join('\n')}\n\ncd ${directory} && npm install && npm start\n`)
  return 0
}
