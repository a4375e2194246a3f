import { setTimeout as sleep } from 'node:timers/promises'
import { openSender } from '../../lib/dev/live/send.js'
import type { Outgoing, Sender } from '../../lib/dev/live/sender.js'
import { liveSources } from '../../lib/dev/live/sources.js'
import type { Random } from '../../lib/testing/random.js'
import pipeline, { type Numbered } from './pipeline.js'
import type { World } from './world.js'

const KEYS = 24
const SLICE_MS = 50
/** One in this many records is no JSON. */
const POISON = 500
const SPLITS = { 'kill-views': 2, 'kill-clicks': 3 } as const

/**
 * Sends numbered records to a live stream and a live topic, at a pace, until it is told to stop. What could not be sent
 * is sent again.
 */
export class Producer {
  made = 0
  /** Batches that were sent again because their answer did not come: the log may hold them twice. */
  resent = 0
  private stopped = false
  private readonly running: Promise<unknown>

  constructor(world: World, perSecond: number, random: Random) {
    const sources = liveSources(pipeline, {
      kafka: { brokers: [world.kafka.endpoint] },
      kinesis: { endpoint: world.kinesis.endpoint },
    })
    this.running = Promise.all(
      sources.map((source) => {
        const splits = SPLITS[source.name as keyof typeof SPLITS]
        return this.produce(source.name, perSecond / sources.length, random, () => openSender(source, splits))
      }),
    )
  }

  async stop(): Promise<void> {
    this.stopped = true
    await this.running
  }

  private async produce(name: string, perSecond: number, random: Random, open: () => Promise<Sender>): Promise<void> {
    let sender = await open()
    let number = 0
    const started = performance.now()
    while (!this.stopped) {
      const due = ((performance.now() - started) / 1000) * perSecond
      const records: Outgoing[] = []
      while (number < due) records.push(this.make(`${name}-${number++}`, random))
      while (records.length > 0) {
        try {
          for (let at = 0; at < records.length; at += 500) await sender.send(records.slice(at, at + 500))
          break
        } catch {
          this.resent++
          await sender.close().catch(() => undefined)
          sender = await reopened(open)
        }
      }
      await sleep(SLICE_MS)
    }
    await sender.close().catch(() => undefined)
  }

  private make(id: string, random: Random): Outgoing {
    this.made++
    const key = `key-${random.below(KEYS)}`
    // Some are older than what was sent before them, and some are no records at all.
    const record: Numbered = { id, key, at: Date.now() - (random.below(20) === 0 ? random.below(3_000) : 0) }
    if (random.below(POISON) === 0) return { key, line: `{"id":"${id}", broken` }
    return { key, line: JSON.stringify(record) }
  }
}

async function reopened(open: () => Promise<Sender>): Promise<Sender> {
  for (;;) {
    try {
      return await open()
    } catch {
      await sleep(500)
    }
  }
}
