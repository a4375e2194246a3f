import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { invalid, NotSimulated } from './errors.js'

/** The attributes of an item as they are stored. Nobody changes them. */
export type Values = Readonly<Record<string, AttributeValue>>

const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE][+-]?\d+)?$/
const NUMBER_MIN = 1e-130
const NUMBER_MAX = 1e126

/** A copy of what a request brings, as if it had travelled. */
export function receive(values: Values): Values {
  const copy: Record<string, AttributeValue> = {}
  for (const name in values) copy[name] = receiveValue(values[name]!)
  return copy
}

export function receiveValue(value: AttributeValue): AttributeValue {
  if (value.S !== undefined) return Object.freeze({ S: value.S })
  if (value.N !== undefined) return Object.freeze({ N: receiveNumber(value.N) })
  if (value.BOOL !== undefined) return Object.freeze({ BOOL: value.BOOL })
  if (value.B !== undefined) return { B: travelled(value.B) }
  throw new NotSimulated(`The simulated DynamoDB holds text, numbers, booleans and bytes, not ${Object.keys(value)}.`)
}

function receiveNumber(text: string): string {
  const [, whole, fraction = ''] = NUMBER.exec(text) ?? []
  if (whole === undefined) throw invalid('A value provided cannot be converted into a number')
  const digits = `${whole}${fraction}`.replace(/^0+|0+$/g, '')
  if (digits.length > 38) throw invalid('DynamoDB only supports precision up to 38 digits')
  if (digits === '') return '0'
  const magnitude = Math.abs(Number(text))
  if (magnitude >= NUMBER_MAX) {
    throw invalid('Number overflow. Attempting to store a number with magnitude larger than supported range')
  }
  if (magnitude < NUMBER_MIN) {
    throw invalid('Number underflow. Attempting to store a number with magnitude smaller than supported range')
  }
  return text
}

/** A copy of what is stored, for an answer; of values only bytes could be changed. */
export function hand(values: Values): Record<string, AttributeValue> {
  const copy: Record<string, AttributeValue> = {}
  for (const name in values) {
    const value = values[name]!
    copy[name] = value.B === undefined ? value : { B: travelled(value.B) }
  }
  return copy
}

/** A view into memory that others use too, as the SDK decodes bytes. */
function travelled(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(bytes)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** The bytes of an item: names and values. */
export function bytesOf(values: Values): number {
  let bytes = 0
  for (const name in values) bytes += Buffer.byteLength(name) + valueBytes(values[name]!)
  return bytes
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S)
  if (value.B !== undefined) return value.B.length
  return value.N === undefined ? 1 : numberBytes(value.N)
}

/** A byte for two digits, one for the exponent, one for a sign. */
function numberBytes(text: string): number {
  const digits = text.replace(/[eE].*|[-.]/g, '').replace(/^0+|0+$/g, '').length
  return digits === 0 ? 1 : Math.ceil(digits / 2) + 1 + (text.startsWith('-') ? 1 : 0)
}

/** Values of two types are neither equal nor one below the other. */
export function isEqual(a: AttributeValue, b: AttributeValue): boolean {
  if (a.S !== undefined) return a.S === b.S
  if (a.N !== undefined) return b.N !== undefined && Number(a.N) === Number(b.N)
  if (a.BOOL !== undefined) return a.BOOL === b.BOOL
  return a.B !== undefined && b.B !== undefined && Buffer.compare(a.B, b.B) === 0
}

export function isBelow(a: AttributeValue, b: AttributeValue): boolean {
  if (a.S !== undefined && b.S !== undefined) return Buffer.compare(Buffer.from(a.S), Buffer.from(b.S)) < 0
  if (a.B !== undefined && b.B !== undefined) return Buffer.compare(a.B, b.B) < 0
  return a.N !== undefined && b.N !== undefined && Number(a.N) < Number(b.N)
}

export interface Key {
  readonly pk: string
  readonly sk: string
}

const KEY_BYTES_MAX = { pk: 2048, sk: 1024 } as const

/** The key of a request that gives one. */
export function keyOf(values: Values): Key {
  if (Object.keys(values).length !== 2 || values.pk === undefined || values.sk === undefined) {
    throw invalid('The provided key element does not match the schema')
  }
  return itemKey(values)
}

/** The key of an item. */
export function itemKey(values: Values): Key {
  return { pk: keyPart(values, 'pk'), sk: keyPart(values, 'sk') }
}

function keyPart(values: Values, name: 'pk' | 'sk'): string {
  const value = values[name]
  if (value === undefined) throw invalid(`One of the required keys was not given a value: Missing the key ${name}`)
  const text = value.S
  if (text === undefined) throw invalid(`One or more parameter values were invalid: Type mismatch for key ${name}`)
  if (text === '') {
    throw invalid(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
    )
  }
  const most = KEY_BYTES_MAX[name]
  if (text.length * 3 > most && Buffer.byteLength(text) > most) {
    throw invalid(`One or more parameter values were invalid: the key ${name} has more than ${most} bytes`)
  }
  return text
}
