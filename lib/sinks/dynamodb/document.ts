import type { AttributeValue } from '@aws-sdk/client-dynamodb'

/** The range of DynamoDB's numbers, which have at most 38 digits. */
const NUMBER_MIN = 1e-130
const NUMBER_MAX = 9.99e125
/** DynamoDB nests documents at most 32 levels deep, including the attribute itself. */
const DEPTH_MAX = 31
/** The most values that fit into an item of 400 KB. A value that refers to itself more than once is endless. */
const VALUES_MAX = 420_000

/** The number of further values that are allowed. */
interface Budget {
  left: number
}

/**
 * Converts a value to a DynamoDB document by the rules of JSON: a Date becomes text, an undefined field is left out,
 * NaN becomes null. Bytes stay bytes, and a bigint becomes a number. A number outside DynamoDB's range becomes text. A
 * value that nests too deeply (a cycle) becomes a text that states so.
 */
export function documentValue(value: unknown, depth = 0, budget: Budget = { left: VALUES_MAX }): AttributeValue {
  if (budget.left-- <= 0) throw new Error(`it holds more than ${VALUES_MAX} values.`)
  if (depth > DEPTH_MAX) return { S: 'unwritable: nested deeper than 32 levels' }
  switch (typeof value) {
    case 'string':
      return { S: wellFormed(value) }
    case 'boolean':
      return { BOOL: value }
    case 'number':
      return numberValue(value)
    case 'bigint':
      return value.toString().length <= 38 ? { N: value.toString() } : { S: value.toString() }
    case 'object':
      return value === null ? { NULL: true } : objectValue(value, depth, budget)
  }
  return { NULL: true }
}

function numberValue(value: number): AttributeValue {
  if (!Number.isFinite(value)) return { NULL: true }
  const magnitude = Math.abs(value)
  if (value !== 0 && (magnitude < NUMBER_MIN || magnitude > NUMBER_MAX)) return { S: String(value) }
  return { N: String(value === 0 ? 0 : value) }
}

function objectValue(value: object, depth: number, budget: Budget): AttributeValue {
  if (value instanceof Uint8Array) return { B: value }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return documentValue((value as { toJSON(): unknown }).toJSON(), depth + 1, budget)
  }
  if (Array.isArray(value)) return { L: Array.from(value, (element) => documentValue(element, depth + 1, budget)) }
  return { M: documentFields(value, depth + 1, budget) }
}

/** The fields of an object, each converted to a value. Fields that JSON leaves out are left out. */
export function documentFields(
  value: object,
  depth = 0,
  budget: Budget = { left: VALUES_MAX },
): Record<string, AttributeValue> {
  const fields: Record<string, AttributeValue> = {}
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined || typeof field === 'function' || typeof field === 'symbol') continue
    // Assigning it would set the prototype of the object and lose the field.
    if (name === '__proto__') throw new Error('a field has the name "__proto__".')
    fields[wellFormed(name)] = documentValue(field, depth, budget)
  }
  return fields
}

const LONE_SURROGATES = /\p{Surrogate}/gu
/** UTF-8 cannot represent a lone surrogate. */
const wellFormed = (text: string): string => text.replace(LONE_SURROGATES, '\ufffd')

/** The approximate size of a value by DynamoDB's rules, which are approximate themselves. */
export function documentBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S)
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1 + (value.N.startsWith('-') ? 1 : 0)
  if (value.B !== undefined) return value.B.length
  if (value.L !== undefined) return 3 + value.L.reduce((sum, element) => sum + 1 + documentBytes(element), 0)
  return value.M === undefined ? 1 : 3 + fieldsBytes(value.M, 1)
}

export function fieldsBytes(fields: Readonly<Record<string, AttributeValue>>, each = 0): number {
  let bytes = 0
  for (const name in fields) bytes += each + Buffer.byteLength(name) + documentBytes(fields[name]!)
  return bytes
}
