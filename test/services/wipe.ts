import { DeleteTableCommand, DynamoDBClient, paginateListTables } from '@aws-sdk/client-dynamodb'
import kafkajs from 'kafkajs'
import type { ServiceName } from '../../lib/dev/services/service.js'
import { createTable } from '../../lib/state/dynamodb/table.js'
import { ask, type Lent } from './lend.js'

const LOOK_MS = 20

/**
 * The first calls of a JVM that has just started take seconds on a busy machine, longer than a client waits: it makes a
 * table twice then, and says that it was there. Whoever gets it first need not see that.
 */
export async function warm(name: ServiceName, lent: Lent): Promise<void> {
  if (name !== 'dynamodb') return
  await createTable('warm', { endpoint: lent.endpoint })
  await wipe.dynamodb(lent)
}

/** Takes away all that an earlier suite made, so that the next one finds the service as one that was just started. */
export const wipe: Readonly<Record<ServiceName, (lent: Lent) => Promise<void>>> = {
  async dynamodb({ endpoint }) {
    const client = new DynamoDBClient({ endpoint })
    for await (const { TableNames } of paginateListTables({ client }, {}))
      for (const TableName of TableNames ?? []) await client.send(new DeleteTableCommand({ TableName }))
    client.destroy()
  },

  // It keeps nothing, and is back at once.
  async kinesis({ id }) {
    await ask({ do: 'stop', id })
    await ask({ do: 'start', id })
  },

  async kafka({ endpoint }) {
    const admin = new kafkajs.Kafka({ brokers: [endpoint], logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    const { groups } = await admin.listGroups()
    if (groups.length > 0) await admin.deleteGroups(groups.map(({ groupId }) => groupId))
    const topics = async (): Promise<string[]> => (await admin.listTopics()).filter((topic) => !topic.startsWith('__'))
    const made = await topics()
    if (made.length > 0) await admin.deleteTopics({ topics: made })
    while ((await topics()).length > 0) await pause(LOOK_MS)
    await admin.disconnect()
  },
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
