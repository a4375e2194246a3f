/** Where a command writes to: results on the one, everything else on the other. */
export interface Io {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}
