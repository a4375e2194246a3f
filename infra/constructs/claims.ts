import type { Construct, IConstruct } from 'constructs'
import { refuse } from './refuse.js'

/** The claims of each app: the path of the construct that owns each key. */
const CLAIMS = new WeakMap<IConstruct, Map<string, string>>()

export interface Claim {
  /** All names of the thing that only one construct may use. */
  readonly keys: readonly string[]
  readonly option: string
  readonly value: string
  /** The consequence of two constructs using it; the message puts it after the other construct's path. */
  readonly rule: string
  readonly fix: string
}

/**
 * Claims something that only one construct of the app may use. Two constructs that share it would each deploy without
 * an error, and each would miss a part of the records.
 */
export function claim(scope: Construct, { keys, option, value, rule, fix }: Claim): void {
  const { root } = scope.node
  const claims = CLAIMS.get(root) ?? new Map<string, string>()
  CLAIMS.set(root, claims)
  const { path } = scope.node
  for (const key of keys) {
    const other = claims.get(key)
    if (other !== undefined && other !== path) refuse(path, option, value, `${other} uses it too, and ${rule}`, fix)
    claims.set(key, path)
  }
}
