import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { invalid, NotSimulated } from './errors.js'
import type { Interval } from './partition.js'
import { isBelow, isEqual, receiveValue, type Values } from './values.js'

/** The placeholders of a request. What is defined and not used, and what is used and not defined, DynamoDB refuses. */
export class Scope {
  private readonly names: Readonly<Record<string, string>>
  private readonly values: Values
  private readonly used = new Set<string>()

  constructor(names: Readonly<Record<string, string>> | undefined, values: Values | undefined) {
    this.names = names ?? {}
    this.values = values ?? {}
    if (names !== undefined && Object.keys(names).length === 0)
      throw invalid('ExpressionAttributeNames must not be empty')
    if (values !== undefined && Object.keys(values).length === 0) {
      throw invalid('ExpressionAttributeValues must not be empty')
    }
  }

  name(token: string): string {
    if (!token.startsWith('#')) return token
    this.used.add(token)
    const name = this.names[token]
    if (name === undefined) throw invalid(`An expression attribute name used is not defined: ${token}`)
    return name
  }

  value(token: string): AttributeValue {
    this.used.add(token)
    const value = this.values[token]
    if (value === undefined) throw invalid(`An expression attribute value used is not defined: ${token}`)
    return receiveValue(value)
  }

  /** Called once all expressions of a request have been read. */
  close(): void {
    for (const token of [...Object.keys(this.names), ...Object.keys(this.values)]) {
      if (!this.used.has(token)) throw invalid(`Value provided in the request unused in expressions: keys: {${token}}`)
    }
  }
}

/** Expressions are few and come again and again. */
function remembered<T>(parse: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    let parsed = known.get(text)
    if (parsed === undefined) {
      parsed = parse(text)
      if (known.size < 1_000) known.set(text, parsed)
    }
    return parsed
  }
}

export type Test = 'exists' | 'absent' | 'equal' | 'absent or below'
interface Clause {
  readonly test: Test
  readonly name: string
  readonly value: string | undefined
}
/** A clause with its placeholders filled in. */
export interface Bound {
  readonly test: Test
  readonly name: string
  readonly value: AttributeValue | undefined
}

const NAME = '(#\\d+|[a-z]\\w*)'
const CLAUSES: readonly (readonly [Test, RegExp])[] = [
  ['exists', new RegExp(`^attribute_exists\\(${NAME}\\)$`)],
  ['absent', new RegExp(`^attribute_not_exists\\(${NAME}\\)$`)],
  ['equal', new RegExp(`^${NAME} = (:\\d+)$`)],
  ['absent or below', new RegExp(`^\\(attribute_not_exists\\(${NAME}\\) OR \\1 < (:\\d+)\\)$`)],
]

const clausesOf = remembered((text: string): readonly Clause[] =>
  text.split(' AND ').map((clause) => {
    for (const [test, pattern] of CLAUSES) {
      const [, name, value] = pattern.exec(clause) ?? []
      if (name !== undefined) return { test, name, value }
    }
    throw new NotSimulated(`The simulated DynamoDB does not know the condition ${clause}.`)
  }),
)

/** A condition of a write, ready to be judged. */
export type Condition = (standing: Values | undefined) => boolean

export function conditionOf(text: string | undefined, scope: Scope): Condition {
  if (text === undefined) return () => true
  const clauses = clausesOf(text).map(
    ({ test, name, value }): Bound => ({
      test,
      name: scope.name(name),
      value: value === undefined ? undefined : scope.value(value),
    }),
  )
  if (clauses.some(({ test, value }) => test === 'absent or below' && value!.BOOL !== undefined)) {
    throw invalid('Incorrect operand type for operator or function; operator or function: <, operand type: BOOL')
  }
  return conditionFrom(clauses)
}

export function conditionFrom(clauses: readonly Bound[]): Condition {
  return (standing) => clauses.every((clause) => holds(clause, standing))
}

function holds(clause: Bound, standing: Values | undefined): boolean {
  const actual = standing !== undefined && Object.hasOwn(standing, clause.name) ? standing[clause.name] : undefined
  switch (clause.test) {
    case 'exists':
      return actual !== undefined
    case 'absent':
      return actual === undefined
    case 'equal':
      return actual !== undefined && isEqual(actual, clause.value!)
    case 'absent or below':
      return actual === undefined || isBelow(actual, clause.value!)
  }
}

const UPDATE = /^(?:SET ((?:#\d+ = :\d+(?:, )?)+))?(?: ?REMOVE ((?:#\d+(?:, )?)+))?$/

const updateOf = remembered((text: string) => {
  const [whole, sets, removes] = UPDATE.exec(text) ?? []
  if (!whole) throw new NotSimulated(`The simulated DynamoDB does not know the update ${text}.`)
  return {
    sets: (sets?.trim().split(', ') ?? []).map((each) => each.split(' = ') as [string, string]),
    removes: removes?.split(', ') ?? [],
  }
})

/** A change of an item, ready to be made. */
export type Change = (before: Values) => Values

export function changeOf(text: string | undefined, scope: Scope): Change {
  if (text === undefined) return (before) => before
  const { sets, removes } = updateOf(text)
  const set = sets.map(([name, value]) => [scope.name(name), scope.value(value)] as const)
  const removed = removes.map((name) => scope.name(name))
  const names = [...set.map(([name]) => name), ...removed]
  const key = names.find((name) => name === 'pk' || name === 'sk')
  if (key !== undefined) throw invalid(`Cannot update attribute ${key}. This attribute is part of the key`)
  if (new Set(names).size !== names.length) throw invalid('Two document paths overlap with each other')
  return (before) => {
    const after = { ...before }
    for (const [name, value] of set) after[name] = value
    for (const name of removed) delete after[name]
    return after
  }
}

const KEYS = /^(#\d+) = (:\d+) AND (#\d+) (?:< (:\d+)|BETWEEN (:\d+) AND (:\d+))$/

const keyConditionOf = remembered((text: string) => {
  const [whole, pkName, pk, skName, below, from, to] = KEYS.exec(text) ?? []
  if (!whole) throw new NotSimulated(`The simulated DynamoDB does not know the key condition ${text}.`)
  return { pkName: pkName!, pk: pk!, skName: skName!, below, from, to }
})

/** The partition and the interval that a query asks for. */
export function rangeOf(text: string | undefined, scope: Scope): { readonly pk: string; readonly interval: Interval } {
  const { pkName, pk, skName, below, from, to } = keyConditionOf(text ?? '')
  if (scope.name(pkName) !== 'pk' || scope.name(skName) !== 'sk') {
    throw invalid('Query condition missed key schema element')
  }
  const high = keyText(scope.value(below ?? to!), 'sk', 1024)
  const low = from === undefined ? undefined : keyText(scope.value(from), 'sk', 1024)
  if (low !== undefined && Buffer.compare(Buffer.from(low), Buffer.from(high)) > 0) {
    throw invalid('The BETWEEN operator requires upper bound to be greater than or equal to lower bound')
  }
  const interval = { low, lowExcluded: false, high, highExcluded: below !== undefined }
  return { pk: keyText(scope.value(pk), 'pk', 2048), interval }
}

function keyText({ S: text }: AttributeValue, name: string, bytesMax: number): string {
  if (text === undefined) throw invalid(`Condition parameter type does not match schema type: ${name}`)
  if (text === '')
    throw invalid(`The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`)
  if (Buffer.byteLength(text) > bytesMax) throw invalid(`The key ${name} has more than ${bytesMax} bytes`)
  return text
}
