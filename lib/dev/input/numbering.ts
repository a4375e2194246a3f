import { ConfigError } from '../../base/index.js'
import type { SourceNode } from '../../ports/index.js'
import { kafkaPartition, kinesisShard } from './partition.js'

/** How a connector names its splits and positions, in the form of the real source. */
export interface Numbering {
  splitId(source: string, index: number): string
  position(index: number): string
  /** The index of a position; -1 for the sentinel. */
  index(position: string): number
  partition(key: string, splits: number): number
}

const SEQUENCE_PREFIX = '495903382714902566085596925383615710959215759'
const offsets = {
  position: (index: number) => String(index).padStart(20, '0'),
  // A position within a record of several values has the index of its record.
  index: (position: string) => (position === '0' ? -1 : Number.parseInt(position, 10)),
}
const NUMBERINGS: Readonly<Record<string, Numbering>> = {
  kinesis: {
    splitId: (_, index) => `shardId-${String(index).padStart(12, '0')}`,
    position: (index) => `056:${sequenceNumber(index)}`,
    index: (position) => (position === '0' ? -1 : Number(position.split(':')[1]!.slice(-11))),
    partition: kinesisShard,
  },
  kafka: { ...offsets, splitId: (source, index) => `${source}-${index}`, partition: kafkaPartition },
  file: { ...offsets, splitId: (_, index) => `part-${index}`, partition: kinesisShard },
}

/** A sequence number in the form of Kinesis: 56 digits. */
export function sequenceNumber(index: number): string {
  return SEQUENCE_PREFIX + String(index).padStart(11, '0')
}

export function numberingOf(source: SourceNode<any>): Numbering {
  const numbering = NUMBERINGS[source.connector]
  if (numbering !== undefined) return numbering
  throw new ConfigError(
    'no-emulation',
    `The local runner emulates kinesis, kafka and file sources; "${source.name}" is a ${source.connector} source.`,
  )
}
