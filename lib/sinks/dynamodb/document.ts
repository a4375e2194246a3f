import type { AttributeValue } from '@aws-sdk/client-dynamodb'

/** DynamoDB's numbers: magnitudes between these, and at most 38 digits. */
const NUMBER_MIN = 1e-130
const NUMBER_MAX = 9.99e125
/** DynamoDB nests documents 32 deep, the attribute itself among them. */
const DEPTH_MAX = 31
/** Values of one item: more do not fit into 400 KB. What refers to itself twice over has no end of them. */
const VALUES_MAX = 420_000

/** How many more values there may be. */
interface Room {
  left: number
}

/**
 * A value as DynamoDB holds documents, and as JSON would have it: a Date is text, a field that is undefined is left
 * out, NaN is null. Bytes are bytes, a bigint is a number. What DynamoDB's numbers cannot hold is text; what JSON
 * cannot write (a cycle) is text that says so.
 */
export function documentValue(value: unknown, depth = 0, room: Room = { left: VALUES_MAX }): AttributeValue {
  if (room.left-- <= 0) throw new Error(`it holds more than ${VALUES_MAX} values.`)
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
      return value === null ? { NULL: true } : objectValue(value, depth, room)
  }
  return { NULL: true }
}

function numberValue(value: number): AttributeValue {
  if (!Number.isFinite(value)) return { NULL: true }
  const magnitude = Math.abs(value)
  if (value !== 0 && (magnitude < NUMBER_MIN || magnitude > NUMBER_MAX)) return { S: String(value) }
  return { N: String(value === 0 ? 0 : value) }
}

function objectValue(value: object, depth: number, room: Room): AttributeValue {
  if (value instanceof Uint8Array) return { B: value }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return documentValue((value as { toJSON(): unknown }).toJSON(), depth + 1, room)
  }
  if (Array.isArray(value)) return { L: Array.from(value, (element) => documentValue(element, depth + 1, room)) }
  return { M: documentFields(value, depth + 1, room) }
}

/** The fields of an object, each as a value; those that JSON leaves out are left out. */
export function documentFields(
  value: object,
  depth = 0,
  room: Room = { left: VALUES_MAX },
): Record<string, AttributeValue> {
  const fields: Record<string, AttributeValue> = {}
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined || typeof field === 'function' || typeof field === 'symbol') continue
    // An assignment would make it the prototype of the rest, and lose it.
    if (name === '__proto__') throw new Error('a field is called "__proto__".')
    fields[wellFormed(name)] = documentValue(field, depth, room)
  }
  return fields
}

const LONE_SURROGATES = /\p{Surrogate}/gu
/** A lone surrogate has no UTF-8. */
const wellFormed = (text: string): string => text.replace(LONE_SURROGATES, '\ufffd')

/** The size of a value as DynamoDB counts it, roughly: it says 'approximately' itself. */
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
