import {
  type Accumulation,
  count,
  type Duration,
  fileSource,
  ndjson,
  outOfOrder,
  type Pipeline,
  pipeline,
  sum,
  tumbling,
} from '../../lib/index.js'

export interface Reading {
  readonly t: number
  readonly k: string
  readonly v: number
}

export const readings = (name = 'readings') =>
  fileSource(name, { timestamp: (r: Reading) => r.t, watermark: outOfOrder('2s') })

export interface Shape {
  readonly keyGroups?: number
  readonly lateness?: Duration
  readonly accumulation?: Accumulation
  readonly writeShards?: number
  readonly idle?: { after?: Duration; close?: Duration | 'clock' | false }
}

/** Counts and sums for each key in windows of ten seconds. */
export function counting({
  keyGroups = 1,
  lateness = '0s',
  accumulation = 'accumulating',
  idle,
  writeShards = 1,
}: Shape = {}): Pipeline {
  return pipeline(
    'counting',
    { keyGroups, writeShards, deadLetter: ndjson('dead'), minAdvance: 0, ...(idle && { idle }) },
    (p) =>
      p
        .from(readings())
        .keyBy((r) => r.k)
        .window(tumbling('10s'), { allowedLateness: lateness, accumulation, late: ndjson('late') })
        .aggregate('w', { n: count(), sum: sum((r) => r.v) })
        .to(ndjson('out')),
  )
}

/** The stage of the splits of these pipelines. */
export const STAGE = { index: 0, shards: 1 }

export const at = (seconds: number, k = 'a', v = 1): Reading => ({ t: seconds * 1000, k, v })
