import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { executeStatements, type Outcome, type Statement, statementError } from '../../aws/dynamodb-statements.js'
import { codeOf, type Failure, judgeError } from '../../aws/failure.js'
import { limited } from '../../aws/limited.js'
import { Retries, type RetryBudget } from '../../aws/retry.js'
import { compareBytes, messageOf, RetryableError, STORE_GET_MAX } from '../../base/index.js'
import { DELETED, VERSION } from './attributes.js'
import { type Entry, isBelow, itemName } from './item.js'

/** DynamoDB limits a statement to 8,192 characters. */
const STATEMENT_LENGTH_MAX = 8_000
const PUTS_AT_ONCE = 8
/** The number of rounds; only other writers of the same items cause more than two. */
const TURNS_MAX = 50

export interface TableCall {
  readonly client: DynamoDBClient
  readonly table: string
  readonly what: string
  readonly budget: RetryBudget
  readonly keys: readonly string[]
}

type Fields = Readonly<Record<string, AttributeValue>>

/** An entry that DynamoDB will never accept, and the reason that it gives. */
export interface Refusal {
  readonly entry: Entry
  readonly reason: string
}

/**
 * Writes each entry unless the table holds the same or a newer version of its item; many entries per request. First
 * results are inserted directly. If an item already exists, it is read, and replaced on the condition that it has not
 * changed. Entries that cannot be written that way (the statement is too long, or the whole request is refused) are
 * written by single puts. No two entries may have the same item. Returns the entries that DynamoDB will never accept.
 */
export async function upsert(call: TableCall, entries: readonly Entry[], usesPartiql: boolean): Promise<Refusal[]> {
  if (!usesPartiql) return await putAll(call, entries)
  const refusals: Refusal[] = []
  let waiting = await together(
    call,
    entries.filter((entry) => entry.isFirst),
    refusals,
    insert,
  )
  waiting.push(...entries.filter((entry) => !entry.isFirst))
  for (let turn = 0; waiting.length > 0; turn++) {
    if (turn === TURNS_MAX)
      throw new RetryableError(
        'contention',
        `${waiting.length} items of ${call.what} changed in each of ${TURNS_MAX} rounds. Other writers keep changing them; the write is tried again.`,
      )
    waiting = await together(call, waiting, refusals, async (_, some, refused) => {
      const standing = await read(call, some)
      const absent = some.filter((_, i) => standing[i] === undefined)
      const older = some
        .map((entry, i) => ({ entry, before: standing[i] }))
        .filter((pair): pair is Pair => pair.before !== undefined && isOlder(pair.before, pair.entry))
      return [...(await insert(call, absent, refused)), ...(await replace(call, older, refused))]
    })
  }
  return refusals
}

interface Pair {
  readonly entry: Entry
  readonly before: Fields
}

type Work = (call: TableCall, entries: readonly Entry[], refusals: Refusal[]) => Promise<Entry[]>

/** One invalid member fails a whole request; each entry is then written alone. */
async function together(call: TableCall, entries: readonly Entry[], refusals: Refusal[], work: Work): Promise<Entry[]> {
  try {
    return await work(call, entries, refusals)
  } catch (error) {
    if (!isInvalid(error)) throw error
    refusals.push(...(await putAll(call, entries)))
    return []
  }
}

const isInvalid = (error: unknown): boolean => codeOf((error as Error).name).startsWith('Validation')

async function putAll(call: TableCall, entries: readonly Entry[]): Promise<Refusal[]> {
  const refusals: Refusal[] = []
  await limited(entries, PUTS_AT_ONCE, async (entry) => {
    try {
      await put(call, entry)
    } catch (error) {
      if (!isInvalid(error)) throw error
      refusals.push({ entry, reason: messageOf(error) })
    }
  })
  return refusals
}

/**
 * Whether an entry replaces the stored item: if it has a newer version, or deletes the stored version. An item that was
 * not written by this sink is always replaced.
 */
function isOlder(before: Fields, { version, isDelete }: Entry): boolean {
  const stored = before[VERSION]
  if (isDelete && before[DELETED]?.BOOL !== true && stored?.N === version.N && stored?.S === version.S) return true
  if (stored?.N !== undefined && version.N !== undefined) return isBelow(stored.N, version.N)
  if (stored?.S !== undefined && version.S !== undefined) return compareBytes(stored.S, version.S) < 0
  return true
}

/** Inserts entries. Returns those whose item already exists. */
async function insert(call: TableCall, entries: readonly Entry[], refusals: Refusal[]): Promise<Entry[]> {
  const pairs = entries.map((entry) => ({
    entry,
    statement: { text: insertText(call, entry), parameters: Object.values(entry.attributes), bytes: entry.bytes },
  }))
  return await run(call, pairs, refusals)
}

function insertText({ table }: TableCall, { attributes }: Entry): string {
  const fields = Object.keys(attributes).map((name) => `'${name.replaceAll("'", "''")}': ?`)
  return `INSERT INTO "${table}" VALUE {${fields.join(', ')}}`
}

/** Replaces the items that were read, attribute by attribute, if their versions have not changed since. */
async function replace(call: TableCall, pairs: readonly Pair[], refusals: Refusal[]): Promise<Entry[]> {
  return await run(
    call,
    pairs.map(({ entry, before }) => ({ entry, statement: replacement(call, entry, before) })),
    refusals,
  )
}

function replacement({ table, keys }: TableCall, { attributes, bytes }: Entry, before: Fields): Statement {
  const changed = Object.keys(attributes).filter((name) => !keys.includes(name))
  const removed = Object.keys(before).filter((name) => !keys.includes(name) && !(name in attributes))
  const sets = changed.map((name) => `SET ${quoted(name)}=?`)
  const removes = removed.map((name) => `REMOVE ${quoted(name)}`)
  const where = keys.map((name) => `${quoted(name)}=?`)
  const parameters = [...changed, ...keys].map((name) => attributes[name]!)
  const stored = before[VERSION]
  if (stored === undefined) where.push(`${quoted(VERSION)} IS MISSING`)
  else {
    where.push(`${quoted(VERSION)}=?`)
    parameters.push(stored)
  }
  return {
    text: `UPDATE "${table}" ${[...sets, ...removes].join(' ')} WHERE ${where.join(' AND ')}`,
    parameters,
    bytes,
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

interface Written {
  readonly entry: Entry
  readonly statement: Statement
}

/** Runs statements. Entries whose statement is too long are put. Returns the entries refused by a condition. */
async function run(call: TableCall, written: readonly Written[], refusals: Refusal[]): Promise<Entry[]> {
  const isLong = ({ statement }: Written): boolean => statement.text.length > STATEMENT_LENGTH_MAX
  refusals.push(
    ...(await putAll(
      call,
      written.filter(isLong).map(({ entry }) => entry),
    )),
  )
  const short = written.filter((each) => !isLong(each))
  const { client, what, budget } = call
  const outcomes = await executeStatements(
    { client, what, budget, onRequest: () => undefined },
    short.map(({ statement }) => statement),
  )
  return short.filter(({ entry }, i) => isWaiting(outcomes[i]!, entry, refusals)).map(({ entry }) => entry)
}

function isWaiting(outcome: Outcome, entry: Entry, refusals: Refusal[]): boolean {
  if (outcome.kind === 'done') return false
  if (outcome.code === 'DuplicateItem' || outcome.code === 'ConditionalCheckFailed') return true
  if (!outcome.code.startsWith('Validation')) throw statementError(outcome)
  refusals.push({ entry, reason: outcome.message })
  return false
}

/** The stored items, read with strong consistency, in the order of the entries. */
async function read(call: TableCall, entries: readonly Entry[]): Promise<(Fields | undefined)[]> {
  const found = new Map<string, Fields>()
  for (let at = 0; at < entries.length; at += STORE_GET_MAX) {
    const retries = new Retries(`A read of ${call.what}`, call.budget)
    let Keys = entries
      .slice(at, at + STORE_GET_MAX)
      .map(({ attributes }) => Object.fromEntries(call.keys.map((key) => [key, attributes[key]!])))
    while (Keys.length > 0) {
      let failure: { readonly kind: Failure; readonly last: unknown }
      try {
        const RequestItems = { [call.table]: { Keys, ConsistentRead: true } }
        const { Responses, UnprocessedKeys } = await call.client.send(new BatchGetItemCommand({ RequestItems }))
        for (const fields of Responses?.[call.table] ?? []) found.set(itemName(call.keys, fields), fields)
        const left = UnprocessedKeys?.[call.table]?.Keys ?? []
        if (left.length < Keys.length) {
          Keys = left
          continue
        }
        failure = { kind: 'throttled', last: new Error('No key was processed.') }
      } catch (error) {
        const kind = judgeError(error)
        if (kind === 'refused') throw error
        failure = { kind, last: error }
      }
      await retries.pause(failure.kind, failure.last)
    }
  }
  return entries.map(({ name }) => found.get(name))
}

/** One conditional put. A refusal means that some attempt already wrote this version or a newer one. */
async function put(call: TableCall, { attributes, version, isDelete }: Entry): Promise<void> {
  const retries = new Retries(`A write to ${call.what}`, call.budget)
  for (;;) {
    try {
      await call.client.send(
        new PutItemCommand({
          TableName: call.table,
          Item: attributes,
          ConditionExpression: `attribute_not_exists(#v) OR #v ${isDelete ? '<=' : '<'} :v`,
          ExpressionAttributeNames: { '#v': VERSION },
          ExpressionAttributeValues: { ':v': version },
        }),
      )
      return
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return
      const failure = judgeError(error)
      if (failure === 'refused') throw error
      await retries.pause(failure, error)
    }
  }
}
