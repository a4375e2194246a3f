/** The fields of package.json that a release reads. */
export interface Manifest {
  readonly version: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly publishConfig?: { readonly access?: string; readonly provenance?: boolean }
  readonly repository?: { readonly url?: string }
}

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/
const BUMPS = ['major', 'minor', 'patch']

function partsOf(version: string): [number, number, number] {
  const found = VERSION.exec(version)
  if (found === null) throw new Error(`a version must be X.Y.Z, or patch, minor or major; it is ${version}`)
  return [Number(found[1]), Number(found[2]), Number(found[3])]
}

const isLater = (a: string, b: string): boolean => {
  const [left, right] = [partsOf(a), partsOf(b)]
  const at = left.findIndex((part, i) => part !== right[i])
  return at >= 0 && left[at]! > right[at]!
}

/**
 * The version to release. Without a bump it is the version of package.json, which must not have a tag yet.
 * @throws {Error} if the version is not valid, or not later than every tag
 */
export function nextVersion(current: string, bump: string | undefined, tags: readonly string[]): string {
  const parts = partsOf(current)
  const kind = BUMPS.indexOf(bump ?? '')
  const next =
    kind < 0 ? (bump ?? current) : parts.map((part, i) => (i < kind ? part : i === kind ? part + 1 : 0)).join('.')
  for (const tag of tags) {
    if (isLater(next, tag.slice(1))) continue
    throw new Error(`${next} is not later than ${tag}, which is tagged: give patch, minor, major or a later version`)
  }
  if (isLater(current, next)) throw new Error(`${next} is not later than ${current}, the version of package.json`)
  return next
}

/** The text below a heading of the changelog, up to the next heading. */
function section(changelog: string, isIt: (heading: string) => boolean): string {
  const lines = changelog.split('\n')
  const from = lines.findIndex((line) => line.startsWith('## ') && isIt(line.slice(3).trim()))
  if (from < 0) return ''
  const length = lines.slice(from + 1).findIndex((line) => line.startsWith('## '))
  return lines
    .slice(from + 1, length < 0 ? undefined : from + 1 + length)
    .join('\n')
    .trim()
}

export const unreleased = (changelog: string): string => section(changelog, (heading) => heading === 'Unreleased')

export const released = (changelog: string, version: string): string =>
  section(changelog, (heading) => heading.startsWith(`${version} - `))

/** Files that package.json declares but that the package lacks. */
export function missingFiles({ bin = {}, exports = {} }: Manifest, files: readonly string[]): string[] {
  const named = [
    ...Object.values(bin),
    ...Object.values(exports).flatMap((to) => (typeof to === 'string' ? to : Object.values(to))),
    './README.md',
    './CHANGELOG.md',
    './SECURITY.md',
    './LICENSE',
  ]
  return named.filter((name) => !files.includes(name.replace(/^\.\//, '')))
}

const WANTED =
  /^(?:package\.json|README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE|docs\/.+\.md|examples\/starter\/.+|dist\/(?:lib|infra\/constructs)\/.+\.(?:js|d\.ts|md))$/

/** Files that should not be published. */
export const strayFiles = (files: readonly string[]): string[] => files.filter((file) => !WANTED.test(file))
