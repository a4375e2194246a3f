import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../lib/dev/services/daemon.js'
import { DYNAMODB_LOCAL, startDynamodb } from '../lib/dev/services/dynamodb.js'
import { table } from '../lib/dev/text.js'
import { createTable } from '../lib/state/dynamodb/table.js'
import { apart } from './apart.js'
import { BATCHES, machine } from './machine.js'
import { ROOMS } from './profile.js'
import type { StoreFigures } from './store.js'

/** The same flights with their state in each of the stores, in one run. */
interface Pair {
  readonly dynamodb: StoreFigures
  readonly memory: StoreFigures
}

const TABLE = 'bench'

/** What the DynamoDB store adds to the figures of the memory store: counts that should be equal, and CPU. */
export async function dynamodbBench(isJson: boolean): Promise<void> {
  localCredentials()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const service = await startDynamodb({ folder, port: await freePort(), detached: false, memory: true })
  const pairs: Pair[] = []
  try {
    await createTable(TABLE, { endpoint: service.endpoint })
    for (const batch of BATCHES) {
      const memory = await apart<StoreFigures>('store', batch, TABLE, '')
      const dynamodb = await apart<StoreFigures>('store', batch, TABLE, service.endpoint)
      pairs.push({ dynamodb, memory })
    }
  } finally {
    await service.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const on = {
    machine: machine(),
    service: `DynamoDB Local (${DYNAMODB_LOCAL.dependencies[0]}), in memory, on the same machine`,
  }
  if (isJson) console.log(JSON.stringify({ ...on, batches: pairs }, undefined, 2))
  else print(pairs, on)
}

/**
 * Environment variables that the SDK reads. A local service accepts any credentials, but clients refuse to make a
 * request without them.
 */
export function localCredentials(): void {
  process.env.AWS_ACCESS_KEY_ID ??= 'local'
  process.env.AWS_SECRET_ACCESS_KEY ??= 'local'
  process.env.AWS_REGION ??= 'us-east-1'
  process.env.AWS_EC2_METADATA_DISABLED = 'true'
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
}

function print(pairs: readonly Pair[], on: { machine: string; service: string }): void {
  const beside = (ours: number, memory: number): string => `${ours.toFixed(4)} (${(ours / memory).toFixed(3)}x)`
  const names = pairs.map(({ memory }) => memory.batch.toLocaleString('en-US'))
  console.log(
    `Flights on ${on.machine}; ${on.service}. One process per figure, compared with the memory store in the same run.\n`,
  )
  console.log(
    table(
      ['batch', 'events', 'requests/event (ratio to memory)', 'write units/event', 'read units/event'],
      pairs.map(({ dynamodb, memory }, i) => [
        names[i]!,
        dynamodb.records.toLocaleString('en-US'),
        beside(dynamodb.requestsPerEvent, memory.requestsPerEvent),
        beside(dynamodb.writeUnitsPerEvent, memory.writeUnitsPerEvent),
        beside(dynamodb.readUnitsPerEvent, memory.readUnitsPerEvent),
      ]),
    ),
  )
  console.log()
  console.log(
    table(
      ['batch', 'CPU us/event', 'in memory', 'ratio', 'CPU us/request', 'elapsed us/request'],
      pairs.map(({ dynamodb, memory }, i) => [
        names[i]!,
        dynamodb.cpuUs.toFixed(2),
        memory.cpuUs.toFixed(2),
        `${(dynamodb.cpuUs / memory.cpuUs).toFixed(1)}x`,
        ((dynamodb.cpuUs - memory.cpuUs) / dynamodb.requestsPerEvent).toFixed(0),
        ((dynamodb.elapsedUs - memory.elapsedUs) / dynamodb.requestsPerEvent).toFixed(0),
      ]),
    ),
  )
  console.log()
  console.log(
    table(
      ['self time with DynamoDB', ...names],
      ROOMS.filter((room) => pairs.some(({ dynamodb }) => dynamodb.shares[room] >= 0.0005)).map((room) => [
        room,
        ...pairs.map(({ dynamodb }) => `${(dynamodb.shares[room] * 100).toFixed(1)} %`),
      ]),
    ),
  )
}
