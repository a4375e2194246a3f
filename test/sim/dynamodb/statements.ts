import type {
  BatchExecuteStatementCommandInput,
  BatchStatementRequest,
  BatchStatementResponse,
} from '@aws-sdk/client-dynamodb'
import { expectOnly, invalid, NotSimulated, Refusal, tooLarge } from './errors.js'
import { type Bound, type Condition, conditionFrom, type Test } from './expressions.js'
import { type Operation, someOf } from './operation.js'
import type { ServiceWorld } from './service-world.js'
import type { SimulatedTable } from './table.js'
import { bytesOf, itemKey, receiveValue, type Values } from './values.js'
import { ITEM_BYTES_MAX } from './writes.js'

const STATEMENTS_MAX = 25
const STATEMENT_LENGTH_MAX = 8192
const REQUEST_BYTES_MAX = 16 * 1024 * 1024

const BATCH = new Set(['Statements'])
const STATEMENT = new Set(['Statement', 'Parameters'])
const INSERT = /^INSERT INTO "((?:[^"]|"")+)" VALUE \{((?:'(?:[^']|'')+': \?(?:, )?)*)\}$/
const NAME = '"((?:[^"]|"")+)"'
const UPDATE = new RegExp(`^UPDATE ${NAME} ((?:SET "(?:[^"]|"")+"=\\? )+)WHERE "pk"=\\? AND "sk"=\\?((?: AND .+)?)$`)
const CLAUSES: readonly (readonly [Test, RegExp])[] = [
  ['absent', new RegExp(`^${NAME} IS MISSING$`)],
  ['equal', new RegExp(`^${NAME}=\\?$`)],
  ['absent or below', new RegExp(`^\\(${NAME} IS MISSING OR "\\1"<\\?\\)$`)],
]

/** What a text says: the names of its parameters, and of an update its conditions. */
interface Parsed {
  readonly table: string
  readonly names: readonly string[]
  readonly clauses: readonly (readonly [Test, string])[] | undefined
}

/** One statement, as its text and parameters say. */
interface Write {
  readonly table: string
  /** What it writes, with the key. */
  readonly values: Values
  /** Of an update. */
  readonly condition: Condition | undefined
  /** What is wrong with it by itself. */
  readonly fault: string | undefined
}

const parsed = new Map<string, Parsed>()

function parse(text: string): Parsed {
  let known = parsed.get(text)
  if (known === undefined) {
    known = parseInsert(text) ?? parseUpdate(text)
    if (known === undefined)
      throw new NotSimulated(`The simulated DynamoDB does not know the statement ${text.slice(0, 200)}.`)
    if (parsed.size < 1_000) parsed.set(text, known)
  }
  return known
}

const plain = (name: string): string => name.replaceAll('""', '"')

function parseInsert(text: string): Parsed | undefined {
  const [whole, table = '', fields = ''] = INSERT.exec(text) ?? []
  if (!whole) return undefined
  const names = [...fields.matchAll(/'((?:[^']|'')+)': \?/g)].map(([, name]) => name!.replaceAll("''", "'"))
  return { table: plain(table), names, clauses: undefined }
}

function parseUpdate(text: string): Parsed | undefined {
  const [whole, table = '', sets = '', conditions = ''] = UPDATE.exec(text) ?? []
  if (!whole) return undefined
  const names = [...sets.matchAll(/SET "((?:[^"]|"")+)"=\? /g)].map(([, name]) => plain(name!))
  const clauses = conditions.split(' AND ').slice(1).map(clauseOf)
  return { table: plain(table), names: [...names, 'pk', 'sk'], clauses }
}

function clauseOf(text: string): readonly [Test, string] {
  for (const [test, pattern] of CLAUSES) {
    const [, name] = pattern.exec(text) ?? []
    if (name !== undefined) return [test, plain(name)]
  }
  throw new NotSimulated(`The simulated DynamoDB does not know the condition ${text}.`)
}

function faultOf(text: string, isComplete: boolean, bound: readonly Bound[] | undefined): string | undefined {
  if (text.length > STATEMENT_LENGTH_MAX) return 'Statement is too long'
  if (!isComplete) return "Number of parameters in request and statement don't match."
  const isWrong = bound?.some(({ test, value }) => test === 'absent or below' && value?.BOOL !== undefined)
  return isWrong === true ? 'Incorrect operand type for operator or function: BOOL' : undefined
}

function writeOf(request: BatchStatementRequest): Write {
  expectOnly(request, STATEMENT)
  const { Statement = '', Parameters = [] } = request
  const { table, names, clauses } = parse(Statement)
  const values: Record<string, Values[string]> = {}
  for (const [i, name] of names.entries()) if (Parameters[i] !== undefined) values[name] = receiveValue(Parameters[i])
  let at = names.length
  const bound = clauses?.map(([test, name]) => {
    const value = test === 'absent' ? undefined : Parameters[at++]
    return { test, name, value: value && receiveValue(value) }
  })
  const isComplete = at === Parameters.length && Parameters.every((value) => value !== undefined)
  const fault = faultOf(Statement, isComplete, bound)
  return { table, values, fault, condition: bound && isComplete ? conditionFrom(bound) : undefined }
}

type Fate = 'throttled' | 'conflict' | '500 before' | '500 after' | undefined

export function batchExecute(table: SimulatedTable, input: BatchExecuteStatementCommandInput): Operation {
  expectOnly(input, BATCH)
  const requests = input.Statements ?? []
  // A number that is none fails the whole call.
  const writes = requests.map(writeOf)
  check(writes)
  const { pk, sk } = writes[0]!.values
  const label = `BatchExecuteStatement ${writes.length} ${pk?.S}/${sk?.S}`
  return {
    label,
    isSingleWrite: false,
    late: writes.map((write) => () => void execute(table, write)),
    async run({ world }) {
      const fates = fatesOf(writes.length, world)
      const isTorn = writes.length > 1 && world.strikes('ddb-torn-batch')
      const torn = isTorn ? 1 + world.below(writes.length - 1) : -1
      const Responses: BatchStatementResponse[] = []
      for (const [i, write] of writes.entries()) {
        if (i === torn) await world.turn(`${label} goes on`)
        Responses.push(fates[i] === undefined ? execute(table, write) : struck(fates[i], table, write, world))
      }
      if (world.strikes('ddb-short-batch')) Responses.length = world.below(Responses.length)
      return { Responses }
    },
  }
}

/** Refuses what is wrong with a batch as a whole. */
function check(writes: readonly Write[]): void {
  if (writes.length === 0) throw invalid('The statement was empty.')
  if (writes.length > STATEMENTS_MAX) throw invalid('A batch has at most 25 statements')
  if (writes.reduce((sum, { values }) => sum + bytesOf(values), 0) > REQUEST_BYTES_MAX) throw tooLarge()
  const keys = new Set(writes.map(({ table, values: { pk, sk } }) => JSON.stringify([table, pk, sk])))
  if (keys.size < writes.length) throw invalid('Provided list of item keys contains duplicates')
}

function execute(table: SimulatedTable, { table: name, values, condition, fault }: Write): BatchStatementResponse {
  if (fault !== undefined) return failed('ValidationError', fault)
  if (name !== table.name) return failed('ResourceNotFound', 'Requested resource not found')
  try {
    const key = itemKey(values)
    const standing = table.item(key)
    if (condition === undefined) {
      if (bytesOf(values) > ITEM_BYTES_MAX) throw invalid('Item size has exceeded the maximum allowed size')
      if (standing !== undefined) return failed('DuplicateItem', 'Duplicate primary key exists in table')
      table.put(key, values)
      return { TableName: table.name }
    }
    // An update never makes an item.
    if (standing === undefined || !condition(standing))
      return failed('ConditionalCheckFailed', 'The conditional request failed')
    const after = { ...standing, ...values }
    if (bytesOf(after) > ITEM_BYTES_MAX) throw invalid('Item size to update has exceeded the maximum allowed size')
    table.put(key, after)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return failed('ValidationError', error.message)
  }
  return { TableName: table.name }
}

const failed = (
  Code: NonNullable<BatchStatementResponse['Error']>['Code'],
  Message: string,
): BatchStatementResponse => ({
  Error: { Code, Message },
})

const THROTTLES = ['ThrottlingError', 'ProvisionedThroughputExceeded', 'RequestLimitExceeded'] as const

function struck(fate: Fate, table: SimulatedTable, write: Write, world: ServiceWorld): BatchStatementResponse {
  if (fate === 'throttled') return failed(THROTTLES[world.below(THROTTLES.length)], 'Rate exceeded')
  if (fate === 'conflict') return failed('TransactionConflict', 'Transaction is ongoing for the item')
  if (fate === '500 after') execute(table, write)
  return failed('InternalServerError', 'Internal server error')
}

/** Which statements meet a fault of their own, and which. */
function fatesOf(n: number, world: ServiceWorld): Fate[] {
  const fates = new Array<Fate>(n).fill(undefined)
  const strike = (fate: Fate): void => {
    for (const [i, isStruck] of someOf(n, world).entries()) if (isStruck) fates[i] = fate
  }
  if (world.strikes('ddb-member-throttled')) strike('throttled')
  if (world.strikes('ddb-member-conflict')) strike('conflict')
  if (world.strikes('ddb-member-500-before')) strike('500 before')
  if (world.strikes('ddb-member-500-after')) strike('500 after')
  return fates
}
