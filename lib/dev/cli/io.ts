import { columnsOf, fitText } from '../wrap.js'

/** The output streams of a command: results go to `stdout`, everything else to `stderr`. */
export interface Io {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** Prints text for people, with no line wider than the terminal. */
export function say(io: Io, text: string): void {
  io.stdout.write(`${fitText(text, columnsOf(io.stdout))}\n`)
}
