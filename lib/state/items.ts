import { assert, STORE_GET_MAX } from '../base/index.js'
import type { Attribute, Item, ItemKey } from '../ports/index.js'
import { itemBytes } from './units.js'

/** DynamoDB's limits: 2,048 bytes for a partition key, 1,024 for a sort key, 400 KB for an item. */
export const PARTITION_KEY_BYTES_MAX = 2048
export const SORT_KEY_BYTES_MAX = 1024
export const ITEM_BYTES_MAX = 400 * 1024
/** DynamoDB's limits for numbers: the magnitude of a number other than 0 is at least 1E-130, and below 1E126. */
const NUMBER_MIN = 1e-130
const NUMBER_END = 1e126

export interface Sized {
  readonly item: Item
  readonly bytes: number
}

/** A frozen copy that the store may keep, with its size. Every store refuses what DynamoDB would refuse. */
export function admit(item: Item): Sized {
  checkKey(item)
  const copy = copyItem(item)
  for (const name in copy) checkAttribute(name, copy[name]!)
  const bytes = itemBytes(copy)
  assert(bytes <= ITEM_BYTES_MAX, `an item has at most ${ITEM_BYTES_MAX} bytes; ${item.pk} / ${item.sk} has ${bytes}`)
  return { item: copy, bytes }
}

export function checkKey(key: ItemKey): void {
  checkKeyPart('partition', key.pk, PARTITION_KEY_BYTES_MAX)
  checkKeyPart('sort', key.sk, SORT_KEY_BYTES_MAX)
}

function checkKeyPart(kind: string, text: string, bytesMax: number): void {
  if (typeof text !== 'string' || text === '') assert(false, `a ${kind} key is a non-empty string`)
  checkText(`a ${kind} key`, text, bytesMax)
}

/**
 * A UTF-16 unit takes at most three bytes, so only long texts need the exact count. A lone surrogate has no UTF-8
 * encoding: two different strings would become the same key.
 */
export function checkText(what: string, text: string, bytesMax: number): void {
  if (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax) {
    assert(false, `${what} has at most ${bytesMax} bytes; this text has ${Buffer.byteLength(text)}`)
  }
  if (!text.isWellFormed()) assert(false, `${what} contains no lone surrogate`)
}

/** Attribute names never come from data, so an empty or malformed name is a mistake in the code. */
export function checkAttributeName(name: string): void {
  if (name === '') assert(false, 'an attribute name is not empty')
  if (!name.isWellFormed()) assert(false, 'an attribute name contains no lone surrogate')
}

export function checkAttribute(name: string, value: Attribute): void {
  checkAttributeName(name)
  if (typeof value === 'string') {
    if (!value.isWellFormed()) assert(false, `attribute ${name} contains no lone surrogate`)
  } else if (typeof value === 'number') {
    const magnitude = Math.abs(value)
    if (value !== 0 && !(magnitude >= NUMBER_MIN && magnitude < NUMBER_END)) {
      assert(false, `attribute ${name} is a number that DynamoDB can store; it is ${value}`)
    }
  } else if (typeof value !== 'boolean' && !(value instanceof Uint8Array)) {
    assert(false, `attribute ${name} is a string, a number, a boolean or bytes; it is of type ${typeof value}`)
  }
}

/**
 * A frozen copy, including its bytes, since encoders reuse their buffers. -0 becomes 0, as in any store that keeps
 * decimals.
 */
export function copyItem(item: Item): Item {
  const copy: Record<string, Attribute> & ItemKey = { ...item }
  for (const name in copy) {
    const value = copy[name]!
    if (value === 0) copy[name] = 0
    else if (value instanceof Uint8Array) copy[name] = new Uint8Array(value)
  }
  return Object.freeze(copy)
}

/**
 * Checks the keys of one read request. DynamoDB refuses the whole request if there are too many keys, or one occurs
 * twice.
 */
export function checkGet(keys: readonly ItemKey[]): void {
  assert(
    keys.length <= STORE_GET_MAX,
    `a request reads at most ${STORE_GET_MAX} items; this one asks for ${keys.length}`,
  )
  for (const key of keys) checkKey(key)
  checkDistinct(keys)
}

export function checkDistinct(keys: readonly ItemKey[]): void {
  if (keys.length < 2) return
  const seen = new Set<string>()
  for (const { pk, sk } of keys) seen.add(`${pk.length}:${pk}${sk}`)
  assert(seen.size === keys.length, 'the keys of one request are distinct')
}
