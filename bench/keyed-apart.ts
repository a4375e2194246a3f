import { fork } from 'node:child_process'
import { build } from 'esbuild'

const OUT = 'node_modules/.cache/millrace/bench-keyed.mjs'
/** Enough for the items of a store in memory that holds 1 GB of state. */
const HEAP_MB = 8_192

/**
 * Bundles the tasks as a deployment bundles a function. tsx names every closure when it is created, and keyed state
 * creates some for each key.
 */
export async function bundleTasks(): Promise<void> {
  await build({
    entryPoints: ['bench/keyed-child.ts'],
    outfile: OUT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  })
}

/** Runs a task in a process of its own. */
export function keyedApart<R>(task: string, argument: unknown): Promise<R> {
  const child = fork(OUT, [task, JSON.stringify(argument)], {
    execArgv: [`--max-old-space-size=${HEAP_MB}`, '--expose-gc'],
  })
  return new Promise((resolve, reject) => {
    child.once('message', (result) => resolve(result as R))
    child.once('exit', (code) => reject(new Error(`the benchmark ${task} of keyed state ended with code ${code}`)))
  })
}
