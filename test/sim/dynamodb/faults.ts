/**
 * What may go wrong with a call of the simulated DynamoDB, each where the service or the network lets it. A kind is
 * asked for only where it can strike.
 */
export const DYNAMODB_FAULTS = Object.freeze({
  'ddb-provisioned-throughput': 'The request is refused with ProvisionedThroughputExceededException.',
  'ddb-throttling': 'The request is refused with ThrottlingException.',
  'ddb-request-limit': 'The request is refused with RequestLimitExceeded.',
  'ddb-throttle-long': 'This and the next 11 to 30 requests of the client are throttled: more than a call is tried.',
  'ddb-conflict': 'A single write meets a transaction and is refused with TransactionConflictException.',
  'ddb-500-before': 'The service answers 500 InternalServerError and does nothing.',
  'ddb-500-after': 'The service does what it is asked for and answers 500 InternalServerError.',
  'ddb-503-before': 'Something before the service answers 503, and nothing is done.',
  'ddb-503-after': 'Something before the service answers 503, though the service did what it was asked for.',
  'ddb-unreachable': 'There is no connection: refused, no address, or no answer in time.',
  'ddb-reset-before': 'The connection is reset before the request arrives.',
  'ddb-reset-after': 'The connection is reset after the effect; the answer is lost.',
  'ddb-timeout-before': 'The request is lost, and the client gives up on its answer.',
  'ddb-timeout-after': 'The effect happens, and the client gives up on its answer.',
  'ddb-cut-answer': 'The effect happens, and its answer breaks off in the middle of the JSON.',
  'ddb-hold':
    'A write is held on its way: the client gives up on it, and it lands at some later turn, after retries perhaps.',
  'ddb-slow-answer': 'The answer takes a turn of its own: others go on between an effect and its answer.',
  'ddb-short-batch': 'A batch is answered without a verdict for each statement.',
  'ddb-member-throttled': 'Some statements of a batch are throttled; the others run.',
  'ddb-member-conflict': 'Some statements of a batch meet a transaction and are refused; the others run.',
  'ddb-member-500-before': 'Some statements of a batch fail with InternalServerError and have no effect.',
  'ddb-member-500-after': 'Some statements of a batch fail with InternalServerError after their effect.',
  'ddb-torn-batch': 'Others go on between the statements of a batch, which is not atomic.',
  'ddb-torn-read': 'Others go on between the items of a batch of reads or of a page, which is no snapshot.',
  'ddb-unprocessed-some': 'Some keys of a batch of reads are not processed.',
  'ddb-unprocessed-all': 'No key of a batch of reads is processed.',
  'ddb-unprocessed-long': 'No key of this and of the next 11 to 30 batches of reads of the client is processed.',
  'ddb-early-page': 'A page ends before its limit.',
  'ddb-empty-page': 'A page has no items, and yet there is a next one.',
  'ddb-last-key': 'A page that ends with the last item of the range says where to go on, though nothing follows.',
  'ddb-stale-read':
    'A read that is not strongly consistent gives an older version. Whoever reads strongly never meets it.',
})

export type DynamoDBFault = keyof typeof DYNAMODB_FAULTS

export const DYNAMODB_FAULT_KINDS = Object.freeze(Object.keys(DYNAMODB_FAULTS)) as readonly DynamoDBFault[]

/** After these the caller cannot know whether its write had its effect. */
export const UNCERTAIN_FAULTS: ReadonlySet<string> = new Set<DynamoDBFault>([
  'ddb-500-before',
  'ddb-500-after',
  'ddb-503-before',
  'ddb-503-after',
  'ddb-unreachable',
  'ddb-reset-before',
  'ddb-reset-after',
  'ddb-timeout-before',
  'ddb-timeout-after',
  'ddb-cut-answer',
  'ddb-hold',
  'ddb-short-batch',
  'ddb-member-500-before',
  'ddb-member-500-after',
])
