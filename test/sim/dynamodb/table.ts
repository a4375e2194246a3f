import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SimulatedClient } from './client.js'
import { Refusal } from './errors.js'
import { Partition, valuesOf } from './partition.js'
import type { ServiceWorld } from './service-world.js'
import { hand, type Key, type Values } from './values.js'

/** One effect. `at` counts the effects of the table from 1; `before` is absent where the item was new. */
export interface Effect {
  readonly at: number
  readonly key: Key
  readonly before: Values | undefined
  readonly after: Values
}

/**
 * A table of DynamoDB with the keys `pk` and `sk`, both strings, in memory. All its clients share it; each may live in
 * a world of its own.
 */
export class SimulatedTable {
  /** Sees each effect as it happens. */
  onEffect: ((effect: Effect) => void) | undefined
  readonly name: string
  private readonly partitions = new Map<string, Partition>()
  private count = 0

  constructor(name = 'state') {
    this.name = name
  }

  /** What takes an SDK client's place: it has `send`, for the commands of the store, and `destroy`. */
  client(world: ServiceWorld): DynamoDBClient {
    return new SimulatedClient(this, world) as unknown as DynamoDBClient
  }

  /** How many effects there have been. */
  get effects(): number {
    return this.count
  }

  /** What stands, without a request. */
  item({ pk, sk }: Key): Values | undefined {
    return valuesOf(this.partitions.get(pk)?.find(sk))
  }

  /** All items, without a request: partitions in the order of their first write, in them by sort key. */
  *items(): Generator<Record<string, Values[string]>> {
    for (const partition of this.partitions.values()) for (const row of partition.all()) yield hand(valuesOf(row)!)
  }

  partition(pk: string): Partition | undefined {
    return this.partitions.get(pk)
  }

  put(key: Key, after: Values): void {
    let partition = this.partitions.get(key.pk)
    if (partition === undefined) {
      partition = new Partition()
      this.partitions.set(key.pk, partition)
    }
    const before = this.onEffect && valuesOf(partition.find(key.sk))
    partition.write(key.sk, ++this.count, after)
    this.onEffect?.({ at: this.count, key, before, after })
  }

  expectName(name: string | undefined): void {
    if (name === this.name) return
    throw new Refusal('ResourceNotFoundException', 'Requested resource not found')
  }
}
