import type {
  BatchExecuteStatementCommandInput,
  BatchStatementRequest,
  BatchStatementResponse,
} from '@aws-sdk/client-dynamodb'
import { expectOnly, invalid, NotSimulated, Refusal, tooLarge } from './errors.js'
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

/** One INSERT, as its text and parameters say. */
interface Insert {
  readonly table: string
  readonly values: Values
  /** What is wrong with it by itself. */
  readonly fault: string | undefined
}

const parsed = new Map<string, { readonly table: string; readonly names: readonly string[] }>()

function parse(text: string) {
  let known = parsed.get(text)
  if (known === undefined) {
    const [whole, table = '', fields = ''] = INSERT.exec(text) ?? []
    if (!whole) throw new NotSimulated(`The simulated DynamoDB does not know the statement ${text.slice(0, 200)}.`)
    const names = [...fields.matchAll(/'((?:[^']|'')+)': \?/g)].map(([, name]) => name!.replaceAll("''", "'"))
    known = { table: table.replaceAll('""', '"'), names }
    if (parsed.size < 1_000) parsed.set(text, known)
  }
  return known
}

function insertOf(request: BatchStatementRequest): Insert {
  expectOnly(request, STATEMENT)
  const { Statement = '', Parameters = [] } = request
  const { table, names } = parse(Statement)
  const values: Record<string, Values[string]> = {}
  for (const [i, name] of names.entries()) if (Parameters[i] !== undefined) values[name] = receiveValue(Parameters[i])
  if (Statement.length > STATEMENT_LENGTH_MAX) return { table, values, fault: 'Statement is too long' }
  const isComplete = names.length === Parameters.length && names.length === Object.keys(values).length
  return { table, values, fault: isComplete ? undefined : "Number of parameters in request and statement don't match." }
}

type Fate = 'throttled' | 'conflict' | '500 before' | '500 after' | undefined

export function batchExecute(table: SimulatedTable, input: BatchExecuteStatementCommandInput): Operation {
  expectOnly(input, BATCH)
  const requests = input.Statements ?? []
  // A number that is none fails the whole call.
  const inserts = requests.map(insertOf)
  check(inserts)
  const { pk, sk } = inserts[0]!.values
  const label = `BatchExecuteStatement ${inserts.length} ${pk?.S}/${sk?.S}`
  return {
    label,
    isSingleWrite: false,
    late: inserts.map((insert) => () => void execute(table, insert)),
    async run({ world }) {
      const fates = fatesOf(inserts.length, world)
      const isTorn = inserts.length > 1 && world.strikes('ddb-torn-batch')
      const torn = isTorn ? 1 + world.below(inserts.length - 1) : -1
      const Responses: BatchStatementResponse[] = []
      for (const [i, insert] of inserts.entries()) {
        if (i === torn) await world.turn(`${label} goes on`)
        Responses.push(fates[i] === undefined ? execute(table, insert) : struck(fates[i], table, insert, world))
      }
      if (world.strikes('ddb-short-batch')) Responses.length = world.below(Responses.length)
      return { Responses }
    },
  }
}

/** Refuses what is wrong with a batch as a whole. */
function check(inserts: readonly Insert[]): void {
  if (inserts.length === 0) throw invalid('The statement was empty.')
  if (inserts.length > STATEMENTS_MAX) throw invalid('A batch has at most 25 statements')
  if (inserts.reduce((sum, { values }) => sum + bytesOf(values), 0) > REQUEST_BYTES_MAX) throw tooLarge()
  const keys = new Set(inserts.map(({ table, values: { pk, sk } }) => JSON.stringify([table, pk, sk])))
  if (keys.size < inserts.length) throw invalid('Provided list of item keys contains duplicates')
}

function execute(table: SimulatedTable, { table: name, values, fault }: Insert): BatchStatementResponse {
  if (fault !== undefined) return failed('ValidationError', fault)
  if (name !== table.name) return failed('ResourceNotFound', 'Requested resource not found')
  try {
    const key = itemKey(values)
    if (bytesOf(values) > ITEM_BYTES_MAX) throw invalid('Item size has exceeded the maximum allowed size')
    if (table.item(key) !== undefined) return failed('DuplicateItem', 'Duplicate primary key exists in table')
    table.put(key, values)
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

function struck(fate: Fate, table: SimulatedTable, insert: Insert, world: ServiceWorld): BatchStatementResponse {
  if (fate === 'throttled') return failed(THROTTLES[world.below(THROTTLES.length)], 'Rate exceeded')
  if (fate === 'conflict') return failed('TransactionConflict', 'Transaction is ongoing for the item')
  if (fate === '500 after') execute(table, insert)
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
