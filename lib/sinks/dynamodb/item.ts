import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { ConfigError, digest, encodeKey, type Key, messageOf, shown } from '../../base/index.js'
import type { SinkRow } from '../../ports/index.js'
import { DELETED, VERSION } from './attributes.js'
import { documentFields, documentValue, fieldsBytes } from './document.js'

export interface TableShape {
  readonly item: ((row: any, id: string) => Readonly<Record<string, unknown>>) | undefined
  readonly version: ((row: any) => number | string) | undefined
  readonly partitionKey: string
  readonly sortKey: string | null
}

/** A row as an item that is to be written. */
export interface Entry {
  readonly attributes: Record<string, AttributeValue>
  readonly version: AttributeValue
  /** Identifies the item within its table. */
  readonly name: string
  readonly bytes: number
  /** As far as the row shows, this item was never written before, so it is inserted without reading the stored item. */
  readonly isFirst: boolean
  /** Whether the row was deleted. */
  readonly isDelete: boolean
}

const NO_VERSION =
  'A dynamodbTable with item gets rows that are not results of a window. It cannot decide which of two rows of one item is newer, because positions of different splits cannot be compared. Give version, such as (row) => row.updatedAt, or () => 0 to keep the first row.'

const ITEM_BYTES_MAX = 400 * 1024
const KEY_BYTES_MAX = { partition: 2048, sort: 1024 }

/** The item of a row, or a sentence that states why the row has no valid item. */
export function entryOf(shape: TableShape, { id, value: row, op }: SinkRow, order: string): Entry | string {
  try {
    const isDelete = op === '-'
    const item = documentFields(shape.item === undefined ? defaultItem(shape, id, row) : shape.item(row, id))
    if (shape.item !== undefined && shape.version === undefined && !isResult(row) && !isTotal(row, id)) {
      throw new ConfigError('no-version', NO_VERSION)
    }
    const version = documentValue(shape.version === undefined ? order : shape.version(row))
    if (version.N === undefined && version.S === undefined) return 'version must return a finite number or text.'
    for (const name of [VERSION, DELETED])
      if (name in item) return `an item cannot have the attribute ${name}, which the sink uses itself.`
    const fault = keyFault('partition', shape.partitionKey, item) ?? keyFault('sort', shape.sortKey, item)
    if (fault !== undefined) return fault
    const attributes = isDelete ? tombstone(keysOf(shape), item) : item
    attributes[VERSION] = version
    const bytes = fieldsBytes(attributes)
    if (bytes > ITEM_BYTES_MAX) return `its item has ${bytes} bytes; DynamoDB accepts at most ${ITEM_BYTES_MAX}.`
    return {
      attributes,
      version,
      name: itemName(keysOf(shape), attributes),
      bytes,
      isFirst: !isDelete && isFirst(row, id),
      isDelete,
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    return `its item cannot be created: ${messageOf(error)}`
  }
}

/** The remaining attributes of an item whose row was deleted. */
function tombstone(keys: readonly string[], item: Record<string, AttributeValue>): Record<string, AttributeValue> {
  return { ...Object.fromEntries(keys.map((key) => [key, item[key]!])), [DELETED]: { BOOL: true } }
}

/** Whether one DynamoDB number is less than another. Whole numbers are compared exactly. */
export function isBelow(a: string, b: string): boolean {
  return /^-?\d+$/.test(a) && /^-?\d+$/.test(b) ? BigInt(a) < BigInt(b) : Number(a) < Number(b)
}

export const keysOf = ({ partitionKey, sortKey }: TableShape): readonly string[] =>
  sortKey === null ? [partitionKey] : [partitionKey, sortKey]

/**
 * The canonical text of a number. DynamoDB returns a number in another notation than it was written in (1e21 becomes 1
 * followed by 21 zeros), with more digits than a double has.
 */
function decimal(text: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const plain = digits.replace(/0+$/, '')
  if (plain === '') return '0'
  return `${sign}${plain}e${Number(exponent) - fraction.length + digits.length - plain.length}`
}

/** A text that identifies an item within its table. */
export function itemName(keys: readonly string[], attributes: Readonly<Record<string, AttributeValue>>): string {
  const parts = keys.map((key) => {
    const value = attributes[key]
    if (value?.S !== undefined) return value.S
    return value?.N === undefined ? { bytes: Buffer.from(value!.B!).toString('base64') } : [decimal(value.N)]
  })
  return JSON.stringify(parts)
}

function keyFault(
  kind: keyof typeof KEY_BYTES_MAX,
  name: string | null,
  attributes: Readonly<Record<string, AttributeValue>>,
): string | undefined {
  if (name === null) return undefined
  const value = attributes[name]
  const text = value?.S ?? value?.N
  const bytes = text === undefined ? value?.B?.length : Buffer.byteLength(text)
  if (bytes === undefined) return `its item lacks the ${kind} key "${name}", which is text, a number or bytes.`
  if (bytes > 0 && bytes <= KEY_BYTES_MAX[kind]) return undefined
  return `its ${kind} key "${name}" has ${bytes} bytes; DynamoDB accepts 1 to ${KEY_BYTES_MAX[kind]}.`
}

/** A window's result, as the pipeline passes it to a sink. */
interface Result {
  readonly key: unknown
  readonly value: unknown
  readonly window: { readonly start: number; readonly end: number }
  readonly pane: { readonly index: number; readonly timing: string }
}

export function isResult(row: unknown): row is Result {
  const { window, pane } = (row ?? {}) as Partial<Result>
  return typeof window?.start === 'number' && typeof window.end === 'number' && typeof pane?.index === 'number'
}

/** A result of folds without a window. */
interface Total {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
}

/** A row that a step has made of a result has another id than the result had. */
function isTotal(row: unknown, id: string): row is Total {
  const total = (row ?? {}) as Partial<Total & { id: string }>
  return total.id === id && 'key' in total && 'value' in total && typeof total.timestamp === 'number'
}

const isFirst = (row: unknown, id: string): boolean => (isResult(row) ? row.pane.index === 0 : !isTotal(row, id))

function defaultItem(shape: TableShape, id: string, row: unknown): Record<string, unknown> {
  const { partitionKey, sortKey } = shape
  if (isResult(row)) {
    const window = { windowStart: isoTime(row.window.start), windowEnd: isoTime(row.window.end) }
    const interval = `${window.windowStart}/${window.windowEnd}`
    const keys = sortKey === null ? `${keyText(row.key)} ${interval}` : keyText(row.key)
    return {
      ...fieldsOf(row.value),
      ...window,
      pane: row.pane.index,
      timing: row.pane.timing,
      [partitionKey]: bounded(keys),
      ...(sortKey !== null && { [sortKey]: interval }),
    }
  }
  if (isTotal(row, id)) {
    const key = bounded(keyText(row.key))
    const time = { updatedAt: isoTime(row.timestamp) }
    return { ...fieldsOf(row.value), ...time, [partitionKey]: key, ...(sortKey !== null && { [sortKey]: 'total' }) }
  }
  return { ...fieldsOf(row), [partitionKey]: bounded(id), ...(sortKey !== null && { [sortKey]: 'row' }) }
}

const fieldsOf = (value: unknown): object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { value }

const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * A readable text for a key. Text stays unchanged. Everything else gets the prefix '#': text that begins with '#', and
 * keys that DynamoDB cannot store as text. So no two keys have the same text.
 */
export function keyText(key: unknown): string {
  if (typeof key !== 'string' || key === '' || LONE_SURROGATE.test(key)) return `#${encoded(key)}`
  return key.startsWith('#') ? `#${key}` : key
}

/** Injective for valid keys. A row that only looks like a result may have any value as its key. */
function encoded(key: unknown): string {
  try {
    return encodeKey(key as Key)
  } catch {
    return shown(key)
  }
}

/** A partition key has at most 2,048 bytes; a longer one is replaced by its digest. */
const bounded = (text: string): string =>
  Buffer.byteLength(text) <= KEY_BYTES_MAX.partition ? text : `#${digest(text)}`

function isoTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}
