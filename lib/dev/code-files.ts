import { readFileSync, statSync } from 'node:fs'
import { dirname, extname, relative, resolve } from 'node:path'
import { digest } from '../base/index.js'

/** A digest of each file that a pipeline's code is made of, by its path from the pipeline's own folder. */
export type CodeFiles = Readonly<Record<string, string>>

/** More than a pipeline is made of; a walk has to end. */
const FILES_MAX = 2_000
/** What code names by a relative path: its imports, and the files that it reads beside itself. */
const RELATIVE = /(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\(|\bnew\s+URL\s*\()\s*(['"`])(\.{1,2}\/[^'"`$]*)\1/g
const CODE = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx']

/**
 * The file of a pipeline, and all that it imports by a relative path, straight or by way of others. Packages are no
 * part of it. A digest tells a file that was changed from one that was only written again: a fresh checkout is no
 * change.
 */
export function codeFiles(entry: string): CodeFiles {
  const found: Record<string, string> = Object.create(null)
  const folder = dirname(resolve(entry))
  const open = [resolve(entry)]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const name = relative(folder, file)
    if (name in found || Object.keys(found).length >= FILES_MAX) continue
    const bytes = bytesOf(file)
    if (bytes === undefined) continue
    found[name] = digest(bytes.toString('latin1'))
    if (!CODE.includes(extname(file))) continue
    for (const [, , path] of bytes.toString().matchAll(RELATIVE)) {
      const named = fileOf(resolve(dirname(file), path!))
      if (named !== undefined) open.push(named)
    }
  }
  return found
}

/** The files that differ between two walks: changed, new or gone. */
export function changedFiles(before: CodeFiles, now: CodeFiles): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((file) => before[file] !== now[file]).sort()
}

/** What an import means: TypeScript is imported by the name that it compiles to, or by none of its endings. */
function fileOf(path: string): string | undefined {
  const bare = path.replace(/\.([mc]?)jsx?$/, '.$1ts')
  const candidates = [
    path,
    bare,
    `${bare}x`,
    ...CODE.flatMap((ending) => [`${path}${ending}`, `${path}/index${ending}`]),
  ]
  return candidates.find(isFile)
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true

/** None of what is no file, or is just being replaced. */
function bytesOf(file: string): Buffer | undefined {
  try {
    return isFile(file) ? readFileSync(file) : undefined
  } catch {
    return undefined
  }
}
