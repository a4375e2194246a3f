import { ConfigError, shown } from '../../base/index.js'
import type { Connector } from '../sim/log.js'
import { splitNameOf } from '../simulate-input.js'

/** The number of the first partition that stands for a name. */
const NAMED_FROM = 1_000

/**
 * The ids of the splits of one source. A number is the split with this number: `shardId-000000000002` for 2, or
 * `orders-2`. A name is the id itself. Kafka's partitions are numbers, so any other name gets a partition from 1000
 * on.
 */
export class SplitNames {
  private readonly source: string
  private readonly connector: Connector
  private readonly named: string[] = []

  constructor(source: string, connector: Connector) {
    this.source = source
    this.connector = connector
  }

  /** @throws {ConfigError} `bad-split` */
  idOf(name: string | number): string {
    const { source, connector } = this
    const number = typeof name === 'string' && /^\d+$/.test(name) ? Number(name) : name
    if (typeof number === 'number') {
      if (Number.isSafeInteger(number) && number >= 0) return splitNameOf(source, connector, number)
    } else if (typeof number === 'string' && number !== '' && !(connector === 'kinesis' && number.includes(':'))) {
      const partition = number.startsWith(`${source}-`) && /^\d+$/.test(number.slice(source.length + 1))
      if (connector !== 'kafka' || partition) return number
      if (!this.named.includes(number)) this.named.push(number)
      return splitNameOf(source, connector, NAMED_FROM + this.named.indexOf(number))
    }
    throw new ConfigError(
      'bad-split',
      `A split of "${source}" is a whole number from 0, or a name${connector === 'kinesis' ? " without ':'" : ''}; it is ${shown(name)}.`,
    )
  }
}
