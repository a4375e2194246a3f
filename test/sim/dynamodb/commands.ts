import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Condition } from '../../../lib/ports/index.js'
import {
  insertText,
  queryExpressions,
  updateExpressions,
  updateStatement,
} from '../../../lib/state/dynamodb/expressions.js'
import { Random } from '../../../lib/testing/random.js'
import type { Values } from './values.js'

export const TABLE = 'simulated'
export const NO_TABLE = 'no-such-table'
const SORT_KEYS = ['\0', 'A', 'a', 'aa', 'b', 'é', '\uffff', '😀', 's'.repeat(1024)]
const NUMBERS = ['0', '-0', '1', '-3', '12345678901', '0.1', '1e15', '-2.5e-7', '9.99e125', '1e-130']
const WRONG_NUMBERS = ['1e126', '1e-131', 'abc', '1'.repeat(39)]

/** Commands in the forms of the store, some of them wrong in a way that DynamoDB refuses. */
export class Commands {
  private readonly random: Random

  constructor(seed: number) {
    this.random = new Random(seed)
  }

  next(): { readonly input: object } {
    switch (this.random.below(10)) {
      case 0:
      case 1:
        return this.batchExecute()
      case 2:
        return this.random.below(2) === 0 ? this.updates() : this.put()
      case 3:
      case 4:
      case 5:
        return this.update()
      case 6:
      case 7:
        return this.batchGet()
      default:
        return this.query()
    }
  }

  private of<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)]!
  }

  private seldom(): boolean {
    return this.random.below(25) === 0
  }

  private pk(): string {
    return this.seldom() ? this.of(['', 'p'.repeat(2048), 'p'.repeat(2049)]) : this.of(['p', 'pa', 'q'])
  }

  private sk(): string {
    return this.seldom() ? this.of(['', 's'.repeat(1025)]) : this.of(SORT_KEYS)
  }

  private table(): string {
    return this.seldom() ? NO_TABLE : TABLE
  }

  private key(): Record<string, AttributeValue> {
    const key: Record<string, AttributeValue> = { pk: { S: this.pk() }, sk: { S: this.sk() } }
    if (this.seldom()) delete key.sk
    if (this.seldom()) key.sk = { N: '1' }
    return key
  }

  private value(): AttributeValue {
    const { random } = this
    switch (random.below(5)) {
      case 0:
        return { S: this.of(['', 'a', 'b', '\uffff', '😀', 'x'.repeat(900)]) }
      case 1:
        return { N: this.seldom() ? this.of(WRONG_NUMBERS) : this.of(NUMBERS) }
      case 2:
        return { BOOL: random.below(2) === 0 }
      case 3:
        return { B: new Uint8Array(this.seldom() ? this.of([300 * 1024, 409_593, 409_590]) : random.below(4)) }
      default:
        return { N: String(random.below(5)) }
    }
  }

  private attributes(): Record<string, AttributeValue> {
    const names = ['b', "it's", 'n'].filter(() => this.random.below(2) === 0)
    return Object.fromEntries(names.map((name) => [name, this.value()]))
  }

  private batchExecute() {
    const n = this.seldom() ? 26 : 1 + this.random.below(4)
    // DynamoDB Local runs what comes before the member for which it refuses the whole batch; DynamoDB does not.
    const keys = new Set<string>()
    const Statements = Array.from({ length: n }, () => {
      let item = { ...this.key(), ...this.attributes() }
      while (n > 1 && (keys.has(keyText(item)) || hasWrongNumber(item))) item = { ...this.key(), ...this.attributes() }
      keys.add(keyText(item))
      const Parameters = Object.values(item)
      const Statement = insertText(this.table(), item as never)
      // A parameter too few.
      return { Statement, Parameters: this.seldom() ? Parameters.slice(1) : Parameters }
    })
    return new BatchExecuteStatementCommand({ Statements })
  }

  private updates() {
    const n = 1 + this.random.below(4)
    const keys = new Set<string>()
    const Statements = Array.from({ length: n }, () => {
      let key = this.key()
      while (keys.has(keyText(key))) key = this.key()
      keys.add(keyText(key))
      const names = ['b', 'n', 'x"']
      const set = Object.fromEntries(names.filter(() => this.random.below(2) === 0).map((name) => [name, this.safe()]))
      const when = names.filter(() => this.random.below(3) === 0).map((attribute) => this.condition(attribute))
      const { pk, sk } = { pk: key.pk?.S ?? '', sk: key.sk?.S ?? '' }
      const { text, parameters } = updateStatement(this.table(), { key: { pk, sk }, set: { n: 1, ...set }, when })!
      // A parameter too few.
      return { Statement: text, Parameters: this.seldom() ? parameters.slice(1) : parameters }
    })
    return new BatchExecuteStatementCommand({ Statements })
  }

  private safe() {
    const value = this.value()
    return plain(hasWrongNumber({ value }) ? { N: '7' } : value)
  }

  private condition(attribute: string): Condition {
    const is = this.of(['equal', 'below', 'absent'] as const)
    return is === 'absent' ? { attribute, is } : { attribute, is, value: this.safe() as never }
  }

  private put() {
    return new PutItemCommand({
      TableName: this.table(),
      Item: { ...this.key(), ...this.attributes() },
      ConditionExpression: 'attribute_not_exists(pk)',
    })
  }

  private update() {
    const { random } = this
    const sets = ['n', 'b', 'x'].filter(() => random.below(2) === 0)
    const when = ['n', 'b', 'x'].filter(() => random.below(3) === 0)
    const { update, condition, names, values } = updateExpressions({
      key: { pk: '', sk: '' },
      set: Object.fromEntries(sets.map((name) => [name, this.safe()])),
      remove: this.seldom() ? ['n'] : ["it's"].filter(() => random.below(3) === 0),
      when: when.map((attribute) => this.condition(attribute)),
    })
    if (this.seldom()) names['#9'] = 'unused'
    if (this.seldom()) values[':9'] = { S: 'unused' }
    if (this.seldom()) delete values[':0']
    return new UpdateItemCommand({
      TableName: this.table(),
      Key: this.key(),
      UpdateExpression: update,
      ConditionExpression: condition,
      ExpressionAttributeNames: names,
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ReturnConsumedCapacity: 'TOTAL',
    })
  }

  private batchGet() {
    const n = this.seldom() ? this.of([0, 101]) : 1 + this.random.below(4)
    const Keys = Array.from({ length: n }, () => this.key())
    return new BatchGetItemCommand({ RequestItems: { [this.table()]: { Keys, ConsistentRead: true } } })
  }

  private query() {
    const from = this.random.below(4) === 0 ? '' : this.sk()
    // DynamoDB Local does not measure the partition key of a query, nor the key after which it goes on.
    const start = { pk: { S: this.of([this.pk().slice(0, 2048), 'p']) }, sk: { S: this.sk().slice(0, 1024) } }
    const range = { pk: this.pk().slice(0, 2048), from, to: this.sk() }
    const { keys, names, values } = queryExpressions(range)
    return new QueryCommand({
      TableName: this.table(),
      KeyConditionExpression: keys,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
      ConsistentRead: true,
      ScanIndexForward: this.random.below(2) === 0,
      ...(this.random.below(2) === 0 && { Limit: this.random.below(4) }),
      ...(this.random.below(3) === 0 && {
        ExclusiveStartKey: { ...start, ...(this.seldom() ? {} : { pk: { S: range.pk } }) },
      }),
    })
  }
}

const plain = (value: AttributeValue) => value.S ?? (value.N !== undefined ? Number(value.N) : (value.BOOL ?? value.B!))
const keyText = ({ pk, sk }: Values): string => JSON.stringify([pk, sk])
const hasWrongNumber = (item: Values): boolean => Object.values(item).some(({ N }) => WRONG_NUMBERS.includes(N ?? ''))
