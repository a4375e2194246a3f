import { readFileSync, statSync } from 'node:fs'
import { dirname, extname, relative, resolve } from 'node:path'
import { digest } from '../base/index.js'

/** A digest of each file of a pipeline's code, by its path relative to the pipeline's own folder. */
export type CodeFiles = Readonly<Record<string, string>>

/** More files than any pipeline has; the walk needs a limit. */
const FILES_MAX = 2_000
/** Matches relative paths in code: imports, and files that the code reads by URL. */
const RELATIVE = /(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\(|\bnew\s+URL\s*\()\s*(['"`])(\.{1,2}\/[^'"`$]*)\1/g
const CODE = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx']

/**
 * The file of a pipeline, and all files that it imports by a relative path, directly or indirectly. Packages are not
 * included. The digest of a file that was only rewritten, as by a new checkout, does not change.
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

/** The files that differ between two walks: changed, new or deleted. */
export function changedFiles(before: CodeFiles, now: CodeFiles): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((file) => before[file] !== now[file]).sort()
}

/** Resolves an import to a file. TypeScript is imported by the name of its compiled file, or without an extension. */
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

/** The bytes of a file; undefined if the path is not a file, or the file is just being replaced. */
function bytesOf(file: string): Buffer | undefined {
  try {
    return isFile(file) ? readFileSync(file) : undefined
  } catch {
    return undefined
  }
}
