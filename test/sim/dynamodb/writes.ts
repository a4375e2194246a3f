import type { PutItemCommandInput, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb'
import { expectOnly, invalid, NotSimulated, Refusal } from './errors.js'
import { changeOf, conditionOf, Scope } from './expressions.js'
import type { Operation } from './operation.js'
import type { SimulatedTable } from './table.js'
import { bytesOf, hand, itemKey, keyOf, receive, type Values } from './values.js'

export const ITEM_BYTES_MAX = 400 * 1024
const WRITE_UNIT_BYTES = 1024

const PUT = new Set([
  'TableName',
  'Item',
  'ConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ReturnValuesOnConditionCheckFailure',
])
const UPDATE = new Set([
  ...['TableName', 'Key', 'UpdateExpression', 'ConditionExpression', 'ReturnConsumedCapacity', 'ReturnValues'],
  ...['ExpressionAttributeNames', 'ExpressionAttributeValues', 'ReturnValuesOnConditionCheckFailure'],
])

/** A write of one item. What travels is read when the request is made: the caller may use its buffers again. */
function singleWrite(label: string, effect: () => object): Operation {
  const late = (): void => {
    try {
      effect()
    } catch (error) {
      // Nobody waits for the refusal of a write that is late.
      if (!(error instanceof Refusal)) throw error
    }
  }
  return { label, isSingleWrite: true, late: [late], run: effect }
}

export function put(table: SimulatedTable, input: PutItemCommandInput): Operation {
  expectOnly(input, PUT)
  table.expectName(input.TableName)
  const values = receive(input.Item ?? {})
  const key = itemKey(values)
  const scope = new Scope(input.ExpressionAttributeNames, input.ExpressionAttributeValues)
  const condition = conditionOf(input.ConditionExpression, scope)
  scope.close()
  if (bytesOf(values) > ITEM_BYTES_MAX) throw invalid('Item size has exceeded the maximum allowed size')
  return singleWrite(`PutItem ${key.pk}/${key.sk}`, () => {
    const standing = table.item(key)
    if (!condition(standing)) throw conditionFailed(input, standing)
    table.put(key, values)
    return {}
  })
}

export function update(table: SimulatedTable, input: UpdateItemCommandInput): Operation {
  expectOnly(input, UPDATE)
  const { ReturnValues = 'NONE', ReturnConsumedCapacity = 'NONE' } = input
  if (!['NONE', 'ALL_NEW'].includes(ReturnValues)) throw new NotSimulated(`ReturnValues ${ReturnValues}`)
  if (!['NONE', 'TOTAL'].includes(ReturnConsumedCapacity)) throw new NotSimulated(`Capacity ${ReturnConsumedCapacity}`)
  table.expectName(input.TableName)
  const key = keyOf(input.Key ?? {})
  const scope = new Scope(input.ExpressionAttributeNames, input.ExpressionAttributeValues)
  const change = changeOf(input.UpdateExpression, scope)
  const condition = conditionOf(input.ConditionExpression, scope)
  scope.close()
  return singleWrite(`UpdateItem ${key.pk}/${key.sk}`, () => {
    const standing = table.item(key)
    if (!condition(standing)) throw conditionFailed(input, standing)
    // An item that is absent is made, unless a condition says otherwise.
    const after = change(standing ?? { pk: { S: key.pk }, sk: { S: key.sk } })
    const bytes = bytesOf(after)
    if (bytes > ITEM_BYTES_MAX) throw invalid('Item size to update has exceeded the maximum allowed size')
    table.put(key, after)
    const larger = Math.max(bytes, standing === undefined ? 0 : bytesOf(standing))
    return {
      ...(ReturnValues === 'ALL_NEW' && { Attributes: hand(after) }),
      ...(ReturnConsumedCapacity === 'TOTAL' && {
        ConsumedCapacity: { TableName: table.name, CapacityUnits: Math.max(1, Math.ceil(larger / WRITE_UNIT_BYTES)) },
      }),
    }
  })
}

function conditionFailed(input: PutItemCommandInput | UpdateItemCommandInput, standing: Values | undefined): Refusal {
  const isAsked = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD'
  const item = isAsked && standing !== undefined ? hand(standing) : undefined
  return new Refusal('ConditionalCheckFailedException', 'The conditional request failed', { item })
}
