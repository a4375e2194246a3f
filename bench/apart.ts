import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Each figure is measured in a separate process, so that code compiled for another measurement does not affect it. */
export function apart<R>(what: string, ...args: readonly (string | number)[]): Promise<R> {
  const child = fork(fileURLToPath(new URL('./main.ts', import.meta.url)), ['--child', what, ...args.map(String)], {
    execArgv: ['--import', 'tsx', '--expose-gc'],
  })
  return new Promise((resolve, reject) => {
    child.once('message', (result) => resolve(result as R))
    child.once('exit', (code) => reject(new Error(`the benchmark ${what} ended with code ${code}`)))
  })
}
