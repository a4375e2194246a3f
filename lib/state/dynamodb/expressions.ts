import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { toValue } from '../../aws/dynamodb-values.js'
import type { Attribute, Condition, Item, RangeQuery, Update } from '../../ports/index.js'

/** The texts of an expression, with the names and values for its placeholders #0, #1 … and :0, :1 …. */
export interface Expressions {
  readonly update?: string
  readonly condition?: string
  readonly keys?: string
  readonly names: Record<string, string>
  readonly values: Record<string, AttributeValue>
}

class Placeholders {
  readonly names: Record<string, string> = {}
  readonly values: Record<string, AttributeValue> = {}
  private readonly known = new Map<string, string>()
  private count = 0

  name(name: string): string {
    let placeholder = this.known.get(name)
    if (placeholder === undefined) {
      placeholder = `#${this.known.size}`
      this.known.set(name, placeholder)
      this.names[placeholder] = name
    }
    return placeholder
  }

  value(value: Attribute): string {
    const placeholder = `:${this.count++}`
    this.values[placeholder] = toValue(value)
    return placeholder
  }
}

/**
 * An update of an existing item under its conditions. Without the first condition, DynamoDB would create an item that
 * does not exist.
 */
export function updateExpressions({ set, remove = [], when }: Update): Expressions {
  const at = new Placeholders()
  const sets = Object.keys(set).map((name) => `${at.name(name)} = ${at.value(set[name]!)}`)
  const removes = remove.map((name) => at.name(name))
  const update = [sets.length > 0 && `SET ${sets.join(', ')}`, removes.length > 0 && `REMOVE ${removes.join(', ')}`]
  const conditions = [`attribute_exists(${at.name('pk')})`, ...when.map((condition) => conditionText(at, condition))]
  const text = update.filter(Boolean).join(' ')
  return {
    ...(text !== '' && { update: text }),
    condition: conditions.join(' AND '),
    names: at.names,
    values: at.values,
  }
}

function conditionText(at: Placeholders, condition: Condition): string {
  const name = at.name(condition.attribute)
  switch (condition.is) {
    case 'absent':
      return `attribute_not_exists(${name})`
    case 'equal':
      return `${name} = ${at.value(condition.value)}`
    case 'below':
      return `(attribute_not_exists(${name}) OR ${name} < ${at.value(condition.value)})`
  }
}

/** DynamoDB limits a statement to 8,192 characters. */
const STATEMENT_LENGTH_MAX = 8_000

/**
 * An update as a PartiQL statement, which never creates an item. Undefined if it has to be an update of its own: if it
 * sets nothing, if it removes attributes, which a statement refuses for some that are absent, or if it is too long.
 */
export function updateStatement(
  table: string,
  { key, set, remove = [], when }: Update,
): { readonly text: string; readonly parameters: AttributeValue[] } | undefined {
  const names = Object.keys(set)
  if (names.length === 0 || remove.length > 0) return undefined
  const where = ['"pk"=?', '"sk"=?', ...when.map(whereText)]
  const text = `UPDATE "${table}" ${names.map((name) => `SET ${quoted(name)}=?`).join(' ')} WHERE ${where.join(' AND ')}`
  if (text.length > STATEMENT_LENGTH_MAX) return undefined
  const parameters = [...Object.values(set), key.pk, key.sk]
  for (const condition of when) if (condition.is !== 'absent') parameters.push(condition.value)
  return { text, parameters: parameters.map(toValue) }
}

function whereText({ attribute, is }: Condition): string {
  const name = quoted(attribute)
  switch (is) {
    case 'absent':
      return `${name} IS MISSING`
    case 'equal':
      return `${name}=?`
    case 'below':
      return `(${name} IS MISSING OR ${name}<?)`
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * `from <= sk < to`. A key condition allows only one interval, which is closed on both sides. The reader leaves out an
 * item at `to` itself.
 */
export function queryExpressions({ pk, from, to }: RangeQuery): Expressions {
  const at = new Placeholders()
  const partition = `${at.name('pk')} = ${at.value(pk)}`
  const sort = at.name('sk')
  // An empty string is not a valid key, so no lower bound is needed.
  const range = from === '' ? `${sort} < ${at.value(to)}` : `${sort} BETWEEN ${at.value(from)} AND ${at.value(to)}`
  return { keys: `${partition} AND ${range}`, names: at.names, values: at.values }
}

const insertTexts = new Map<string, string>()
const INSERT_TEXTS_MAX = 1_000

/** The PartiQL text of an insert. A store sees only few shapes of items, so the texts are cached. */
export function insertText(table: string, item: Item): string {
  const names = Object.keys(item)
  const shape = `${table} ${names.join()}`
  let text = insertTexts.get(shape)
  if (text === undefined) {
    text = `INSERT INTO "${table}" VALUE {${names.map((name) => `'${name.replaceAll("'", "''")}': ?`).join(', ')}}`
    if (insertTexts.size < INSERT_TEXTS_MAX) insertTexts.set(shape, text)
  }
  return text
}
