import { build } from 'esbuild'
import { expect, it } from 'vitest'

/** The modules that a module loads when it is imported: everything but lazy imports. */
async function loadedBy(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
  const seen = new Set<string>()
  const walk = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const { path: next, kind } of metafile.inputs[path]?.imports ?? []) if (kind !== 'dynamic-import') walk(next)
  }
  walk(entry)
  return [...seen].filter((path) => !path.startsWith('lib/') && !path.startsWith('node:'))
}

it.each(['lib/index.ts', 'lib/handlers/index.ts', 'lib/state/dynamodb/index.ts'])(
  '%s loads no client: only opening an adapter does',
  async (entry) => {
    expect((await loadedBy(entry)).filter((path) => !/^(buffer|zlib)$/.test(path))).toEqual([])
  },
)
