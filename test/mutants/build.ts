import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Guard } from './guards.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export const fileOf = (guard: Guard): string => `${ROOT}lib/${guard.file}.ts`

/** The source of a guard's file without it. */
export function without(guard: Guard, source: string): string {
  const found = source.split(guard.find).length - 1
  if (found !== 1) throw new Error(`The guard "${guard.name}" stands ${found} times in lib/${guard.file}.ts, not once.`)
  return source.replace(guard.find, () => guard.replace)
}

/** A build of the simulation that lacks a guard, or none. For tests only: no build that is shipped knows of this. */
export async function buildWithout(guard: Guard | undefined, outfile: string): Promise<void> {
  await build({
    entryPoints: [`${ROOT}test/mutants/worker.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    packages: 'external',
    plugins: [
      {
        name: 'without-guard',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            if (guard === undefined || path !== fileOf(guard)) return undefined
            return { contents: without(guard, readFileSync(path, 'utf8')), loader: 'ts' }
          })
        },
      },
    ],
  })
}
