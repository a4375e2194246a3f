import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { batchGet } from './batch-get.js'
import { answerError, cutError, type LOST, lostError, NotSimulated, proxyError, Refusal, type Way } from './errors.js'
import type { DynamoDBFault } from './faults.js'
import { type Caller, longRun, type Operation } from './operation.js'
import { query } from './query.js'
import type { ServiceWorld } from './service-world.js'
import { batchExecute } from './statements.js'
import type { SimulatedTable } from './table.js'
import { put, update } from './writes.js'

/** How long the client waits for a connection and for an answer, as `lib/aws/dynamodb-client.ts` has it. */
const CONNECTION_TIMEOUT_MS = 1_000
const REQUEST_TIMEOUT_MS = 3_000

const THROTTLES: readonly (readonly [fault: DynamoDBFault, name: string, message: string])[] = [
  [
    'ddb-provisioned-throughput',
    'ProvisionedThroughputExceededException',
    'The level of configured provisioned throughput for the table was exceeded.',
  ],
  ['ddb-throttling', 'ThrottlingException', 'Rate exceeded'],
  ['ddb-request-limit', 'RequestLimitExceeded', 'Throughput exceeds the current throughput limit for your account.'],
]

type Lost = keyof typeof LOST

/** One client of the table, with its faults. See `SimulatedTable.client`. */
export class SimulatedClient implements Caller {
  readonly world: ServiceWorld
  unprocessedLeft = 0
  private readonly table: SimulatedTable
  private throttledLeft = 0
  private isDestroyed = false

  constructor(table: SimulatedTable, world: ServiceWorld) {
    this.table = table
    this.world = world
  }

  async send(command: object): Promise<object> {
    if (this.isDestroyed) throw new NotSimulated('A client that was destroyed sends nothing.')
    const { world } = this
    const operation = understand(this.table, command)
    await world.turn(operation.label)
    this.throttle()
    if (operation.isSingleWrite && world.strikes('ddb-conflict')) {
      throw this.refused(new Refusal('TransactionConflictException', 'Transaction is ongoing for the item'))
    }
    await this.failBefore(operation)
    const answer = await this.answer(operation)
    await this.failAfter()
    if (world.strikes('ddb-slow-answer')) await world.turn(`${operation.label} answers`)
    if (answer instanceof Refusal) throw this.refused(answer)
    return Object.assign(answer, { $metadata: { httpStatusCode: 200 } })
  }

  destroy(): void {
    this.isDestroyed = true
  }

  private throttle(): void {
    const { world } = this
    const isLong = this.throttledLeft === 0 && world.strikes('ddb-throttle-long')
    if (isLong) this.throttledLeft = longRun(world) + 1
    if (this.throttledLeft > 0) {
      this.throttledLeft--
      const [, name, message] = THROTTLES[world.below(THROTTLES.length)]!
      throw this.refused(new Refusal(name, message))
    }
    for (const [fault, name, message] of THROTTLES) {
      if (world.strikes(fault)) throw this.refused(new Refusal(name, message))
    }
  }

  private async failBefore(operation: Operation): Promise<void> {
    const { world } = this
    if (world.strikes('ddb-500-before')) throw this.refused(internal())
    if (world.strikes('ddb-503-before')) throw this.unavailable()
    if (world.strikes('ddb-unreachable')) return await this.lose(['refused', 'address', 'connect'])
    if (world.strikes('ddb-reset-before')) return await this.lose(['reset', 'pipe'])
    if (world.strikes('ddb-timeout-before')) return await this.lose(['request', 'socket'])
    if (operation.late.length > 0 && world.strikes('ddb-hold')) {
      for (const effect of operation.late) world.later(`${operation.label} lands late`, effect)
      return await this.lose(['request', 'socket', 'reset'])
    }
  }

  private async failAfter(): Promise<void> {
    const { world } = this
    if (world.strikes('ddb-500-after')) throw this.refused(internal())
    if (world.strikes('ddb-503-after')) throw this.unavailable()
    if (world.strikes('ddb-reset-after')) return await this.lose(['reset'])
    if (world.strikes('ddb-timeout-after')) return await this.lose(['request', 'socket'])
    if (world.strikes('ddb-cut-answer')) throw cutError(this.way())
  }

  private async answer(operation: Operation): Promise<object | Refusal> {
    try {
      return await operation.run(this)
    } catch (error) {
      if (error instanceof Refusal) return error
      throw error
    }
  }

  /** There is no answer: after the time that the client waits for one. */
  private async lose(kinds: readonly Lost[]): Promise<never> {
    const { world } = this
    const kind = kinds[world.below(kinds.length)]!
    if (kind === 'connect') await world.pause(CONNECTION_TIMEOUT_MS)
    if (kind === 'request' || kind === 'socket') await world.pause(REQUEST_TIMEOUT_MS)
    throw lostError(kind, this.way())
  }

  private refused(refusal: Refusal): Error {
    return answerError(refusal, this.way())
  }

  private unavailable(): Error {
    return this.world.below(2) === 0 ? proxyError(this.way()) : this.refused(unavailable())
  }

  /** A client's first call goes the whole way, and so do all where it has settings of its own. */
  private way(): Way {
    return this.world.below(2) === 0 ? 'whole' : 'short'
  }
}

const internal = (): Refusal => new Refusal('InternalServerError', 'Internal server error', { status: 500 })
const unavailable = (): Refusal => new Refusal('ServiceUnavailable', 'Service is unavailable', { status: 503 })

/** What is wrong in itself is refused when it arrives, like anything that is refused. */
function understand(table: SimulatedTable, command: object): Operation {
  try {
    return operationOf(table, command)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const label = `${command.constructor.name} that is wrong`
    return { label, isSingleWrite: false, late: [], run: () => error }
  }
}

function operationOf(table: SimulatedTable, command: object): Operation {
  if (command instanceof BatchGetItemCommand) return batchGet(table, command.input)
  if (command instanceof QueryCommand) return query(table, command.input)
  if (command instanceof UpdateItemCommand) return update(table, command.input)
  if (command instanceof BatchExecuteStatementCommand) return batchExecute(table, command.input)
  if (command instanceof PutItemCommand) return put(table, command.input)
  throw new NotSimulated(`The simulated DynamoDB does not know the command ${command.constructor.name}.`)
}
