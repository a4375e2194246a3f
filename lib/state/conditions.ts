import { assert, compareBytes } from '../base/index.js'
import type { Attribute, Condition, Item, Update } from '../ports/index.js'
import { admit, checkAttribute, checkAttributeName, checkDistinct, checkKey, type Sized } from './items.js'

/**
 * Returns the item after the update, or undefined if the update is refused: no item exists, or a condition does not
 * hold.
 */
export function judge(standing: Item | undefined, update: Update): Sized | undefined {
  if (!standing || !update.when.every((condition) => holds(condition, standing))) return undefined
  const after: Record<string, Attribute> = { ...standing, ...update.set }
  for (const name of update.remove ?? []) delete after[name]
  return admit(after as Item)
}

/** As in DynamoDB, values of different types are never equal, and neither is below the other. */
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

/** Whether two attributes are equal; bytes are compared by content. Two absent attributes are equal. */
export function isEqual(a: Attribute | undefined, b: Attribute | undefined): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  return a === b
}

/** The verdict on an update among many that was applied. */
export const APPLIED = { applied: true } as const

/** Checks updates that are made together. */
export function checkUpdates(updates: readonly Update[]): void {
  for (const update of updates) checkUpdate(update)
  checkDistinct(updates.map(({ key }) => key))
}

/**
 * Checks an update as DynamoDB does, whether its conditions hold or not. DynamoDB refuses an update of key attributes,
 * an update that names an attribute twice, and a value that it cannot store.
 */
export function checkUpdate(update: Update): void {
  checkKey(update.key)
  const { set, remove = [] } = update
  const isKey = (name: string): boolean => name === 'pk' || name === 'sk'
  assert(!('pk' in set || 'sk' in set || remove.some(isKey)), 'an update does not change the key')
  const isTwice = (name: string, at: number): boolean => Object.hasOwn(set, name) || remove.indexOf(name) < at
  assert(!remove.some(isTwice), 'an update names each attribute only once')
  for (const name in set) checkAttribute(name, set[name]!)
  for (const name of remove) checkAttributeName(name)
  for (const condition of update.when) {
    if (condition.is === 'absent') checkAttributeName(condition.attribute)
    else checkAttribute(condition.attribute, condition.value)
  }
}
