import { assert, compareBytes } from '../base/index.js'
import type { Attribute, Condition, Item, Update } from '../ports/index.js'
import { admit, checkAttribute, checkAttributeName, checkKey, type Sized } from './items.js'

/** The item after the update, or undefined where it is refused: no item, or a condition that does not hold. */
export function judge(standing: Item | undefined, update: Update): Sized | undefined {
  if (!standing || !update.when.every((condition) => holds(condition, standing))) return undefined
  const after: Record<string, Attribute> = { ...standing, ...update.set }
  for (const name of update.remove ?? []) delete after[name]
  return admit(after as Item)
}

/** As in DynamoDB, values of two types are neither equal nor one below the other. */
function holds(condition: Condition, item: Item): boolean {
  const actual: Attribute | undefined = Object.hasOwn(item, condition.attribute) ? item[condition.attribute] : undefined
  switch (condition.is) {
    case 'absent':
      return actual === undefined
    case 'below':
      return actual === undefined || isBelow(actual, condition.value)
    case 'equal':
      return actual !== undefined && isEqual(actual, condition.value)
  }
}

function isBelow(a: Attribute, b: string | number): boolean {
  if (typeof a === 'string' && typeof b === 'string') return compareBytes(a, b) < 0
  return typeof a === 'number' && typeof b === 'number' && a < b
}

/** Whether two attributes are the same, bytes by what they hold; an absent one is the same as an absent one. */
export function isEqual(a: Attribute | undefined, b: Attribute | undefined): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  return a === b
}

/**
 * DynamoDB refuses an update of key attributes, one that names an attribute twice, and a value that it cannot hold,
 * whether the conditions hold or not.
 */
export function checkUpdate(update: Update): void {
  checkKey(update.key)
  const { set, remove = [] } = update
  const isKey = (name: string): boolean => name === 'pk' || name === 'sk'
  assert(!('pk' in set || 'sk' in set || remove.some(isKey)), 'an update leaves the key as it is')
  const isTwice = (name: string, at: number): boolean => Object.hasOwn(set, name) || remove.indexOf(name) < at
  assert(!remove.some(isTwice), 'an update names an attribute once')
  for (const name in set) checkAttribute(name, set[name]!)
  for (const name of remove) checkAttributeName(name)
  for (const condition of update.when) {
    if (condition.is === 'absent') checkAttributeName(condition.attribute)
    else checkAttribute(condition.attribute, condition.value)
  }
}
