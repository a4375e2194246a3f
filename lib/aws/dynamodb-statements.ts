import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  type BatchStatementRequest,
  type BatchStatementResponse,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import { STORE_INSERT_MAX } from '../base/index.js'
import { codeOf, judgeCode, judgeError } from './failure.js'
import { limited } from './limited.js'
import { Retries, type RetryBudget } from './retry.js'

/** One PartiQL write, with a condition of its own. */
export interface Statement {
  readonly text: string
  readonly parameters: AttributeValue[]
  /** The approximate size of its item; requests are split by it. */
  readonly bytes: number
}

/** The outcome of a statement. */
export interface Outcome {
  readonly kind: 'done' | 'refused'
  /** The code of a refusal: `DuplicateItem`, `ConditionalCheckFailed`, or the fault of the statement. */
  readonly code: string
  readonly message: string
  /** An earlier attempt of this statement may have had its effect, so the refusal may stem from its own success. */
  readonly isUncertain: boolean
}

export interface StatementCall {
  readonly client: DynamoDBClient
  readonly what: string
  readonly budget: RetryBudget
  readonly onRequest: () => void
}

/** DynamoDB allows 16 MB per request; smaller requests complete within the timeout. */
const REQUEST_BYTES_MAX = 4 * 1024 * 1024
const REQUESTS_AT_ONCE = 4

const DONE: Outcome = { kind: 'done', code: '', message: '', isUncertain: false }

/**
 * Runs statements, each of which may be refused independently of the others: 25 per request, several requests at once.
 * Statements that were throttled or whose outcome is unknown are retried. No two statements may name the same item.
 * @throws {RetryableError} if the retry budget is used up
 */
export async function executeStatements(call: StatementCall, statements: readonly Statement[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = new Array(statements.length)
  await limited(cut(statements), REQUESTS_AT_ONCE, async ({ from, to }) => {
    const settled = await executeBatch(call, statements.slice(from, to))
    for (let i = from; i < to; i++) outcomes[i] = settled[i - from]!
  })
  return outcomes
}

function cut(statements: readonly Statement[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = []
  let from = 0
  let bytes = 0
  for (let i = 0; i < statements.length; i++) {
    const more = statements[i]!.bytes
    if (i - from === STORE_INSERT_MAX || (i > from && bytes + more > REQUEST_BYTES_MAX)) {
      ranges.push({ from, to: i })
      from = i
      bytes = 0
    }
    bytes += more
  }
  if (from < statements.length) ranges.push({ from, to: statements.length })
  return ranges
}

async function executeBatch(call: StatementCall, statements: readonly Statement[]): Promise<Outcome[]> {
  const outcomes: (Outcome | undefined)[] = statements.map(() => undefined)
  const uncertain = new Set<number>()
  const retries = new Retries(`A write of ${statements.length} items to ${call.what}`, call.budget)
  for (;;) {
    const waiting = statements.map((_, i) => i).filter((i) => outcomes[i] === undefined)
    let last: unknown
    try {
      const responses = await send(
        call,
        waiting.map((i) => statements[i]!),
      )
      for (const [at, i] of waiting.entries()) {
        const error = responses[at]?.Error
        const judged = error === undefined ? undefined : judgeCode(error.Code ?? '')
        if (judged === undefined) outcomes[i] = DONE
        else if (judged === 'refused') outcomes[i] = refused(error!, uncertain.has(i))
        else {
          last = new Error(`${error!.Code}: ${error!.Message}`)
          if (judged === 'unknown') uncertain.add(i)
        }
      }
    } catch (error) {
      const judged = judgeError(error)
      if (judged === 'refused') throw error
      last = error
      if (judged === 'unknown') for (const i of waiting) uncertain.add(i)
    }
    if (outcomes.every((outcome) => outcome !== undefined)) return outcomes as Outcome[]
    const isUncertain = waiting.some((i) => outcomes[i] === undefined && uncertain.has(i))
    await retries.pause(isUncertain ? 'unknown' : 'throttled', last)
  }
}

async function send(call: StatementCall, statements: readonly Statement[]): Promise<BatchStatementResponse[]> {
  call.onRequest()
  const requests: BatchStatementRequest[] = statements.map(({ text, parameters }) => ({
    Statement: text,
    Parameters: parameters,
  }))
  const { Responses } = await call.client.send(new BatchExecuteStatementCommand({ Statements: requests }))
  // A response that lacks a result for some statement is not used for any of them.
  if (Responses?.length !== statements.length)
    throw new Error('The response does not have a result for each statement.')
  return Responses
}

function refused({ Code, Message }: { Code?: string; Message?: string }, isUncertain: boolean): Outcome {
  return { kind: 'refused', code: codeOf(Code ?? ''), message: Message ?? '', isUncertain }
}

/** The error for a statement that is invalid, not refused by its condition. */
export function statementError({ code, message }: Outcome): Error {
  return Object.assign(new Error(message), { name: code })
}
