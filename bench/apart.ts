import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Each figure is taken in a process of its own, so that none profits or suffers from what was compiled for another. */
export function apart<R>(what: string, ...args: readonly (string | number)[]): Promise<R> {
  const child = fork(fileURLToPath(new URL('./main.ts', import.meta.url)), ['--child', what, ...args.map(String)], {
    execArgv: ['--import', 'tsx', '--expose-gc'],
  })
  return new Promise((resolve, reject) => {
    child.once('message', (result) => resolve(result as R))
    child.once('exit', (code) => reject(new Error(`the bench of ${what} ended with code ${code}`)))
  })
}
