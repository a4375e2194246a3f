import { Faults } from '../../lib/dev/chaos.js'
import type { Containers } from '../../lib/dev/containers.js'
import { StreamInput } from '../../lib/dev/input/stream-input.js'
import type { PollerOptions } from '../../lib/dev/poller/poller.js'
import { fileSource, kafkaSource, kinesisSource, outOfOrder } from '../../lib/index.js'
import { silentLogger } from '../../lib/observe/index.js'

const options = { timestamp: (r: any) => r.t, watermark: outOfOrder('1s'), partitionKey: (r: any) => r.k }
const make = { kinesis: kinesisSource, kafka: kafkaSource, file: fileSource }

/** A source of a connector with lines in its splits: `lines[i]` are those of the split i. Nothing follows them. */
export function inputOf(
  connector: keyof typeof make,
  lines: readonly (readonly (string | Buffer)[])[],
  name = 'clicks',
  startAt = 0,
): StreamInput {
  const input = new StreamInput(make[connector](name, options), [], lines.length, () => startAt)
  for (const [i, log] of input.logs.entries()) {
    for (const [j, line] of lines[i]!.entries()) log.append(line, j % 3 === 0 ? null : `key ${j}`)
    log.end()
  }
  return input
}

/** `count` lines that say where they stand. */
export const numbered = (count: number, split = 0): string[] =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ split, i }))

export const whole = (input: StreamInput, split = 0) => ({
  log: input.logs[split]!,
  from: 0,
  to: input.logs[split]!.total,
})

/** Faults that strike when a test says so. */
export class Scripted extends Faults {
  cuts: number[] = []
  overlaps: number[] = []
  redeliveries: boolean[] = []
  override readonly active = true

  constructor() {
    super(1)
  }
  override cut(most: number): number {
    return this.cuts.shift() ?? most
  }
  override overlap(most: number): number {
    return Math.min(most, this.overlaps.shift() ?? 0)
  }
  override redeliver(): boolean {
    return this.redeliveries.shift() ?? false
  }
  override shuffle<T>(list: readonly T[]): T[] {
    return [...list]
  }
}

/** A poller's surroundings, with a function of our own behind it. */
export function polling(
  input: StreamInput,
  batch: number,
  invoke: (event: any) => unknown,
  faults: Faults = new Faults(undefined),
): PollerOptions & { delivered: number } {
  const containers = { invoke: async (_: string, event: unknown) => invoke(event) } as unknown as Containers
  const options = {
    input,
    containers,
    clock: { now: () => 1_700_000_000_123 },
    logger: silentLogger,
    batch,
    faults,
    delivered: 0,
    onDelivered: (records: number) => {
      options.delivered += records
    },
  }
  return options
}
