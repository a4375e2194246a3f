import { type CostReport, MONTH_SECONDS } from '../cost/index.js'
import { bold, dim, numberText, table } from './text.js'

/** The estimated bill, and the cost of other systems, for the terminal. */
export function costText(report: CostReport): string {
  const { bill, load, pricesAsOf, region, logUsd, processingUsd } = report
  const million = (usd: number): string => dollars((usd / (load.recordsPerSecond * MONTH_SECONDS)) * 1e6)
  const rows = bill.lines.map(({ service, what, usd }) => [`${service}: ${what}`, dollars(usd), million(usd)])
  const latency = `results at most ${seconds(report.latencySeconds)} after the record that completes them`
  const apart = logUsd > 0 ? `; without the stream ${dollars(processingUsd)}` : ''
  const records = `${rateText(load.recordsPerSecond)} of ${numberText(load.recordBytes)} bytes`
  return [
    `${records}, ${numberText(load.keys)} keys, a month of 730 hours`,
    ...stepsText(report),
    '',
    table(
      ['', 'per month', 'per million records'],
      [...rows, ['total', dollars(bill.usd), dollars(bill.usdPerMillion)]],
    ),
    '',
    instead(report),
    ...adviceText(report),
    '',
    dim(`List prices of ${pricesAsOf}, ${region}, without free tiers and discounts.`),
    dim(
      bill.isMeasured
        ? 'Units and CPU are those that a run measured.'
        : 'Units are estimated from the plan: --from-run uses those of a run.',
    ),
    dim('Infrastructure that you run anyway (a Kafka cluster, a network) is not included.'),
    bold(`${dollars(bill.usd)} per month, ${dollars(bill.usdPerMillion)} per million records${apart}`),
    bold(latency),
  ].join('\n')
}

/** The bill after each step, if a latency was asked for. */
function stepsText({ steps, latency }: CostReport): string[] {
  if (steps.length === 0) return []
  const { poll, window, invocations, advance } = latency
  const parts = [
    ...(poll > 0 ? [`${seconds(poll)} until a poller reads`] : []),
    `${seconds(window)} of batching window`,
    `${seconds(invocations)} of invocations`,
    ...(advance > 0 ? [`${seconds(advance)} of minAdvance`] : []),
  ]
  return [
    '',
    table(
      ['settings, changed step by step', 'per month', 'latency'],
      steps.map(({ what, usd, latencySeconds }) => [what, dollars(usd), seconds(latencySeconds)]),
    ),
    dim(`Latency: ${parts.join(', ')},`),
    dim('while records arrive from every split, in addition to the out-of-orderness bound.'),
  ]
}

/** The cost of other systems. The log is listed separately on both sides, because only the processing is compared. */
function instead({ alternatives, processingUsd, logUsd }: CostReport): string {
  const others = alternatives.map(({ name, of, processingUsd: processing, logUsd: log, usd, cheaperFrom }) => [
    `${name} (${of})`,
    dollars(processing),
    dollars(log),
    dollars(usd),
    cheaperFrom === undefined ? 'at no rate' : `from ${rateText(cheaperFrom)}`,
  ])
  const own = ['Millrace', dollars(processingUsd), dollars(logUsd), dollars(processingUsd + logUsd), '']
  return table(['per month', 'processing', 'log', 'total', 'processing is cheaper'], [own, ...others])
}

function adviceText({ advice }: CostReport): string[] {
  if (advice.length === 0) return []
  return [
    '',
    'further savings, each on its own',
    ...advice.map(({ what, savesUsd }) => `  ${dollars(savesUsd)} less: ${what}`),
  ]
}

function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 100 ? 2 : 0)}`
}

function seconds(value: number): string {
  return `${value < 10 ? Number(value.toFixed(1)) : Math.ceil(value)} s`
}

function rateText(rate: number): string {
  if (rate >= 1) return `${numberText(rate)} records per second`
  return rate * 60 >= 1 ? `${numberText(rate * 60)} records per minute` : `${numberText(rate * 3_600)} records per hour`
}
