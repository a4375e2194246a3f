import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { assert } from '../base/index.js'
import type { Attribute, Item } from '../ports/index.js'

/** An attribute in the form of DynamoDB's protocol. Numbers are sent as text; -0 becomes 0. */
export function toValue(value: Attribute): AttributeValue {
  if (typeof value === 'string') return { S: value }
  if (typeof value === 'number') return { N: String(value === 0 ? 0 : value) }
  return typeof value === 'boolean' ? { BOOL: value } : { B: value }
}

export function fromValue(value: AttributeValue): Attribute {
  if (value.S !== undefined) return value.S
  if (value.N !== undefined) return Number(value.N)
  if (value.BOOL !== undefined) return value.BOOL
  assert(value.B !== undefined, `an attribute is text, a number, a boolean or bytes; this one is ${Object.keys(value)}`)
  // A copy as a plain Uint8Array: a Buffer is of another class in comparisons, and may be a view of the response.
  return new Uint8Array(value.B)
}

export function toItem(item: Item): Record<string, AttributeValue> {
  const values: Record<string, AttributeValue> = {}
  for (const name in item) values[name] = toValue(item[name]!)
  return values
}

export function fromItem(values: Readonly<Record<string, AttributeValue>>): Item {
  const item: Record<string, Attribute> = {}
  for (const name in values) item[name] = fromValue(values[name]!)
  return Object.freeze(item) as Item
}
