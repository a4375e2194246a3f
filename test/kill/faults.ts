import { setTimeout as sleep } from 'node:timers/promises'
import { KinesisClient, ListShardsCommand, type Shard, SplitShardCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Random } from '../../lib/testing/random.js'
import type { Runner } from './runners.js'
import { CALM, THROTTLED, type World } from './world.js'

/** What may strike, and how often of a hundred times. */
const CHANCES = { kill: 40, freeze: 25, restart: 10, throttle: 15, broker: 6, split: 4 } as const
export type Blow = keyof typeof CHANCES

/** Between two blows, ms: time enough for a consumer group to find itself again, most of the time. */
const PAUSE_MS_MIN = 1_000
const PAUSE_MS_MAX = 7_000
const FREEZE_MS_MAX = 9_000
const THROTTLE_MS_MAX = 3_000
const SPLITS_MAX = 3
const BROKER_APART_MS = 20_000

/** Strikes runners and services from a seed, as long as it is told. */
export class Blows {
  readonly counts: Record<Blow, number> = { kill: 0, freeze: 0, restart: 0, throttle: 0, broker: 0, split: 0 }
  private readonly world: World
  private readonly runners: readonly Runner[]
  private readonly random: Random
  private readonly say: (text: string) => void
  private readonly under: Promise<unknown>[] = []
  private lastBroker = Number.NEGATIVE_INFINITY

  constructor(world: World, runners: readonly Runner[], random: Random, say: (text: string) => void) {
    this.world = world
    this.runners = runners
    this.random = random
    this.say = say
  }

  async during(ms: number): Promise<void> {
    const until = performance.now() + ms
    // Each kind once, in some order, so that a short run has met all of them; then as chance has it.
    const order = this.random.shuffled(Object.keys(CHANCES) as Blow[])
    for (;;) {
      await sleep(PAUSE_MS_MIN + this.random.below(PAUSE_MS_MAX - PAUSE_MS_MIN))
      if (performance.now() >= until) break
      await this.strike(order.shift() ?? this.pick())
    }
    await Promise.all(this.under)
    this.world.proxy.set(CALM)
  }

  private pick(): Blow {
    let at = this.random.below(100)
    for (const [blow, chance] of Object.entries(CHANCES)) {
      at -= chance
      if (at < 0) return blow as Blow
    }
    return 'kill'
  }

  private async strike(blow: Blow): Promise<void> {
    const runner = this.runners[this.random.below(this.runners.length)]!
    switch (blow) {
      case 'kill':
        this.say(`SIGKILL ${runner.name}`)
        runner.kill()
        break
      case 'freeze': {
        if (runner.isStopped) return
        const ms = 500 + this.random.below(FREEZE_MS_MAX)
        this.say(`SIGSTOP ${runner.name} for ${ms} ms`)
        runner.freeze()
        this.under.push(sleep(ms).then(() => runner.thaw()))
        break
      }
      case 'restart':
        if (runner.isStopped) return
        this.say(`SIGTERM ${runner.name}, and another`)
        this.under.push(runner.restart())
        break
      case 'throttle': {
        const ms = 500 + this.random.below(THROTTLE_MS_MAX)
        this.say(`DynamoDB throttles for ${ms} ms`)
        this.world.proxy.set(THROTTLED)
        this.under.push(sleep(ms).then(() => this.world.proxy.set(CALM)))
        break
      }
      case 'broker':
        if (performance.now() - this.lastBroker < BROKER_APART_MS) return
        this.say('SIGKILL the Kafka broker, and start it again')
        await this.world.restartBroker()
        this.lastBroker = performance.now()
        break
      case 'split':
        if (this.counts.split >= SPLITS_MAX) return
        this.say('split a shard')
        await this.split()
        break
    }
    this.counts[blow]++
  }

  private async split(): Promise<void> {
    const { endpoint } = this.world.kinesis
    const client = new KinesisClient({ endpoint, requestHandler: new NodeHttpHandler() })
    const StreamName = 'kill-views'
    const { Shards } = await client.send(new ListShardsCommand({ StreamName }))
    const open = Shards!.filter((shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined)
    const shard = open[this.random.below(open.length)]!
    await client.send(
      new SplitShardCommand({ StreamName, ShardToSplit: shard.ShardId, NewStartingHashKey: middleOf(shard) }),
    )
    client.destroy()
  }
}

function middleOf({ HashKeyRange }: Shard): string {
  const [low, high] = [BigInt(HashKeyRange!.StartingHashKey!), BigInt(HashKeyRange!.EndingHashKey!)]
  return String(low + (high - low) / 2n + 1n)
}
