import type { BatchGetItemCommandInput } from '@aws-sdk/client-dynamodb'
import { expectOnly, invalid, NotSimulated } from './errors.js'
import { type Caller, longRun, type Operation, someOf, staleness } from './operation.js'
import { valuesOf } from './partition.js'
import type { ServiceWorld } from './service-world.js'
import type { SimulatedTable } from './table.js'
import { bytesOf, hand, type Key, keyOf, type Values } from './values.js'

const KEYS_MAX = 100
const ANSWER_BYTES_MAX = 16 * 1024 * 1024

const BATCH_GET = new Set(['RequestItems'])
const BATCH_GET_TABLE = new Set(['Keys', 'ConsistentRead'])

export function batchGet(table: SimulatedTable, input: BatchGetItemCommandInput): Operation {
  expectOnly(input, BATCH_GET)
  const [[name, request] = [], ...others] = Object.entries(input.RequestItems ?? {})
  if (request === undefined || others.length > 0) throw new NotSimulated('A simulated batch of reads is of one table.')
  expectOnly(request, BATCH_GET_TABLE)
  const asked = request.Keys ?? []
  table.expectName(name)
  if (asked.length === 0) throw invalid(`The list of keys in RequestItems for BatchGetItem is required: ${name}`)
  if (asked.length > KEYS_MAX) throw invalid('Too many items requested for the BatchGetItem call')
  const keys = asked.map(keyOf)
  if (new Set(keys.map(({ pk, sk }) => JSON.stringify([pk, sk]))).size < keys.length) {
    throw invalid('Provided list of item keys contains duplicates')
  }
  const label = `BatchGetItem ${keys.length} ${keys[0]!.pk}/${keys[0]!.sk}`
  return {
    label,
    isSingleWrite: false,
    late: [],
    async run(caller) {
      const { world } = caller
      const left = unprocessed(keys.length, caller)
      const items: Values[] = []
      let bytes = 0
      const torn = keys.length > 1 && world.strikes('ddb-torn-read') ? 1 + world.below(keys.length - 1) : -1
      // The order of an answer is not that of the request.
      const start = world.below(keys.length)
      for (let n = 0; n < keys.length; n++) {
        const i = (start + n) % keys.length
        if (n === torn) await world.turn(`${label} goes on`)
        if (left[i]) continue
        const values = read(table, keys[i]!, request.ConsistentRead === true, world)
        if (values === undefined) continue
        bytes += bytesOf(values)
        if (bytes > ANSWER_BYTES_MAX) left[i] = true
        else items.push(values)
      }
      const Keys = keys.filter((_, i) => left[i]).map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }))
      return {
        Responses: { [table.name]: items.map(hand) },
        UnprocessedKeys: Keys.length === 0 ? {} : { [table.name]: { ...request, Keys } },
      }
    },
  }
}

function unprocessed(n: number, caller: Caller): boolean[] {
  const { world } = caller
  if (caller.unprocessedLeft > 0) {
    caller.unprocessedLeft--
    return new Array(n).fill(true)
  }
  if (world.strikes('ddb-unprocessed-long')) {
    caller.unprocessedLeft = longRun(world)
    return new Array(n).fill(true)
  }
  if (world.strikes('ddb-unprocessed-all')) return new Array(n).fill(true)
  return n > 1 && world.strikes('ddb-unprocessed-some') ? someOf(n, world) : new Array(n).fill(false)
}

function read(table: SimulatedTable, { pk, sk }: Key, isStrong: boolean, world: ServiceWorld): Values | undefined {
  const partition = table.partition(pk)
  return partition && valuesOf(partition.find(sk), isStrong ? undefined : staleness(partition.unseen, world))
}
