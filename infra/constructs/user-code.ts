import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as Esbuild from 'esbuild'

type Inputs = Esbuild.Metafile['inputs']

/** The folder of Millrace's own files, relative to this one: in the repository, or in the package. */
const OWN = fileURLToPath(new URL('../../lib/', import.meta.url))
const SDK = /node_modules\/@(aws-sdk|aws-crypto|smithy)\//
const PACKAGE = /node_modules\//
/** Expressions by which code finds files next to itself. In a bundle, that is the folder of the handler. */
const BESIDE = /\bimport\.meta\.(?:url|dirname|filename)\b|\b__dirname\b|\b__filename\b|\bcreateRequire\b/
const READS = /\b(?:readFile|readFileSync|createReadStream|readdir|readdirSync|openSync|dlopen)\b/
/** Packages that locate native modules at load time. */
const NATIVE = /node_modules\/(node-gyp-build(?:-optional-packages)?|bindings|@mapbox\/node-pre-gyp|prebuild-install)\//

const isOwn = (file: string): boolean => resolve(file).startsWith(OWN)
/** The left-out packages that the user's code imports: it loads them, regardless of the plan. */
export function wantedByUser(inputs: Inputs, absent: readonly string[]): string[] {
  const wanted = new Set<string>()
  for (const [file, { imports }] of Object.entries(inputs)) {
    const external = imports.flatMap((one) => (one.external === true ? one.path : []))
    if (external.length === 0 || isOwn(file)) continue
    for (const path of external) {
      const name = absent.find((candidate) => path === candidate || path.startsWith(`${candidate}/`))
      if (name !== undefined) wanted.add(name)
    }
  }
  return [...wanted]
}

/** Warnings about what a bundle may lack at run time: files that the code reads, and native modules. */
export function doubts(inputs: Inputs, hasAssets: boolean): string[] {
  const found: string[] = []
  const native = new Set(Object.keys(inputs).flatMap((file) => NATIVE.exec(file)?.[1] ?? []))
  for (const [file, { imports }] of Object.entries(inputs))
    if (!isOwn(file)) for (const one of imports) if (one.external === true && one.path === 'lmdb') native.add('lmdb')
  if (native.size > 0)
    found.push(
      `The code loads a native module (by ${[...native].join(', ')}), which is built for one machine and is not part of the bundle, so the functions cannot start. Use a package without one.`,
    )
  if (hasAssets) return found
  const readers = Object.keys(inputs).filter((file) => !isOwn(file) && !SDK.test(file) && readsBeside(file))
  if (readers.length > 0)
    found.push(
      `${readers.slice(0, 3).join(', ')} ${readers.length === 1 ? 'looks' : 'look'} for files next to the code. On Lambda, that is the folder of the handler. Give assets: ["file or folder"], or acknowledge this warning.`,
    )
  return found
}

function readsBeside(file: string): boolean {
  const path = resolve(file)
  if (!existsSync(path)) return false
  const text = readFileSync(path, 'utf8')
  // A package only counts if it also reads files, because many use their own path for other reasons.
  return BESIDE.test(text) && (!PACKAGE.test(file) || READS.test(text))
}
