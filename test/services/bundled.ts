import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { BuiltFunction } from '../../scripts/bundle.js'
import { ask } from './lend.js'

/** The example's functions as a deployment would have them, bundled once for a run, as copies in a folder. */
export async function bundledFunctions(folder: string): Promise<readonly BuiltFunction[]> {
  const made = await ask({ do: 'bundle' })
  return made.map((built) => {
    const directory = join(folder, built.name)
    cpSync(built.directory, directory, { recursive: true })
    return { ...built, directory }
  })
}
