import { createHash } from 'node:crypto'

/** A user record of an aggregate. */
export interface UserRecord {
  readonly key: string
  readonly data: Buffer
}

const MAGIC = 'f3899ac2'
/** The highest number of a field in protobuf. */
const FIELD_MAX = 2n ** 29n - 1n

/**
 * The KPL's format by its specification, slowly and in exact numbers, with nothing of lib/: the user records of a
 * Kinesis record, undefined where it is no aggregate, and null where it is one that is not sound.
 */
export function userRecords(bytes: Buffer): readonly UserRecord[] | null | undefined {
  if (bytes.subarray(0, 4).toString('hex') !== MAGIC) return undefined
  if (bytes.length < 20) return null
  const body = bytes.subarray(4, -16)
  if (createHash('md5').update(body).digest('hex') !== bytes.subarray(-16).toString('hex')) return null
  try {
    const fields = fieldsOf(body)
    const keys = fields.flatMap(({ field, bytes: key }) => (field === 1n && key !== undefined ? [key.toString()] : []))
    const messages = fields.flatMap(({ field, bytes: message }) =>
      field === 3n && message !== undefined ? [message] : [],
    )
    return messages.length === 0 ? null : messages.map((message) => userRecord(message, keys))
  } catch (error) {
    if (error === UNSOUND) return null
    throw error
  }
}

const UNSOUND = Symbol('unsound')

interface Field {
  readonly field: bigint
  readonly number?: bigint
  readonly bytes?: Buffer
}

/** Of a field that comes twice the last one counts, as protobuf has it. */
function userRecord(message: Buffer, keys: readonly string[]): UserRecord {
  const fields = fieldsOf(message)
  const index = fields.findLast(({ field, number }) => field === 1n && number !== undefined)?.number
  const data = fields.findLast(({ field, bytes }) => field === 3n && bytes !== undefined)?.bytes
  if (index === undefined || data === undefined || index >= BigInt(keys.length)) throw UNSOUND
  return { key: keys[Number(index)]!, data }
}

function fieldsOf(message: Buffer): Field[] {
  let at = 0
  const take = (length: bigint): Buffer => {
    if (length > BigInt(message.length - at)) throw UNSOUND
    at += Number(length)
    return message.subarray(at - Number(length), at)
  }
  const varint = (): bigint => {
    let value = 0n
    for (let i = 0n; i < 10n; i++) {
      const byte = BigInt(take(1n)[0]!)
      value |= (byte & 0x7fn) << (7n * i)
      if (byte < 0x80n) return value
    }
    throw UNSOUND
  }
  const fields: Field[] = []
  while (at < message.length) {
    const tag = varint()
    const field = tag >> 3n
    if (field === 0n || field > FIELD_MAX) throw UNSOUND
    switch (tag & 7n) {
      case 0n:
        fields.push({ field, number: varint() })
        break
      case 1n:
        take(8n)
        break
      case 2n:
        fields.push({ field, bytes: take(varint()) })
        break
      case 5n:
        take(4n)
        break
      default:
        throw UNSOUND
    }
  }
  return fields
}
