import type { Construct, IConstruct } from 'constructs'
import { refuse } from './refuse.js'

/** Who has what, by app. */
const CLAIMS = new WeakMap<IConstruct, Map<string, string>>()

export interface Claim {
  /** What one construct alone may have, by all names that it goes by. */
  readonly keys: readonly string[]
  readonly option: string
  readonly value: string
  /** What would become of two that have it; follows the other's path. */
  readonly rule: string
  readonly fix: string
}

/**
 * Holds what nobody else of the app may have: two that take it from each other pass by themselves, and each miss a
 * part.
 */
export function claim(scope: Construct, { keys, option, value, rule, fix }: Claim): void {
  const { root } = scope.node
  const claims = CLAIMS.get(root) ?? new Map<string, string>()
  CLAIMS.set(root, claims)
  const { path } = scope.node
  for (const key of keys) {
    const other = claims.get(key)
    if (other !== undefined && other !== path) refuse(path, option, value, `${other} has it too, and ${rule}`, fix)
    claims.set(key, path)
  }
}
