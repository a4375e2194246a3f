import { columnsOf, fitText } from '../wrap.js'

/** Where a command writes to: results on the one, everything else on the other. */
export interface Io {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** Prints text for people, no line of it wider than the terminal. */
export function say(io: Io, text: string): void {
  io.stdout.write(`${fitText(text, columnsOf(io.stdout))}\n`)
}
