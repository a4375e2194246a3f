import { PassThrough } from 'node:stream'
import { main } from '../../lib/dev/cli/cli.js'

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the command line in this process. */
export async function millrace(...args: string[]): Promise<Outcome> {
  const texts = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof texts): NodeJS.WriteStream => {
    const through = new PassThrough()
    through.on('data', (chunk) => {
      texts[name] += String(chunk)
    })
    return through as unknown as NodeJS.WriteStream
  }
  const code = await main(args, { stdout: stream('stdout'), stderr: stream('stderr') })
  return { code, out: texts.stdout, err: texts.stderr }
}
