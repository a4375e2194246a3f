import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import flights from '../../examples/flights/pipeline.js'
import { costReport, deploymentFor, parseRate, shapeOf } from '../../lib/cost/index.js'
import { plan } from '../../lib/pipeline/index.js'

const readme = readFileSync('README.md', 'utf8')
const [, text] = /<!-- cost:start -->\n([\s\S]*?)<!-- cost:end -->/.exec(readme)!
const prose = text!.replace(/\s+/g, ' ')
const shape = shapeOf(plan(flights))
const loadOf = (rate: string) => ({ recordsPerSecond: parseRate(rate), recordBytes: 300, keys: 300 })
const asked = (rate: string, shards?: number) =>
  costReport(shape, loadOf(rate), { deployment: deploymentFor(shape, shards), latencyMs: 10_000 })
const dollars = (usd: number): string => `$${usd.toFixed(usd < 10 ? 2 : 0)}`

/**
 * `npm run millrace -- cost examples/flights/pipeline.ts --rate RATE --size 300B --keys 300 [--latency 10s]` prints
 * each figure.
 */
describe('README, what it costs', () => {
  const rows = [...text!.matchAll(/^\| (\d\w*\/\w) \|(.*)\|$/gm)].map(([, rate, cells]) => ({
    rate: rate!,
    cells: cells!.split('|').map((cell) => cell.trim()),
  }))

  it('has a row for rates from rest to thousands a second', () => {
    expect(rows.map(({ rate }) => rate)).toEqual(['1/h', '10/s', '100/s', '500/s', '2k/s', '10k/s'])
  })

  it.each(rows)('at $rate has the figures of the command', ({ rate, cells }) => {
    const { processingUsd, alternatives } = asked(rate)
    const all = [costReport(shape, loadOf(rate)), { processingUsd }, ...alternatives]
    expect(cells).toEqual(all.map((of) => dollars(of.processingUsd)))
  })

  it('compares the costs of an idle pipeline by the same figures', () => {
    const { processingUsd, alternatives } = asked('1/h')
    const cells = /^\| cost when idle, a month \|(.*)\|$/m
      .exec(readme)![1]!
      .split('|')
      .map((cell) => cell.trim())
    const [flink, kafkaStreams] = alternatives.map((one) => dollars(one.processingUsd))
    expect(cells.slice(0, 4)).toEqual([
      `${dollars(processingUsd)} and the stream`,
      'the stream',
      `${kafkaStreams} and a Kafka cluster`,
      `${flink} and the stream (Managed Flink)`,
    ])
  })

  it('says from which rates others are cheaper, and what the stream costs', () => {
    const { alternatives, logUsd, bill } = asked('500/s')
    const about = (rate: number | undefined): string => (Math.round(rate! / 100) * 100).toLocaleString('en-US')
    expect(prose).toContain(`Kafka Streams from about ${about(alternatives[1]!.cheaperFrom)} records a second`)
    expect(prose).toContain(`Managed Flink from about ${about(alternatives[0]!.cheaperFrom)}`)
    expect(prose).toContain(`${dollars(logUsd)} on demand at 500/s`)
    expect(prose).toContain(`${dollars(asked('500/s', 1).logUsd)} with one provisioned shard`)
    expect(bill.lines.find(({ what }) => what === 'alarms')!.usd).toBeCloseTo(2.2, 9)
    expect(prose).toContain(
      `At rest it is ${dollars(asked('1/h').processingUsd)}: $3 for a dashboard, $2.20 for 22 alarms`,
    )
    expect(prose).toContain(`the stream, ${dollars(asked('1/h').logUsd)} on demand`)
  })
})
