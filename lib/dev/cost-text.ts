import { type CostReport, MONTH_SECONDS } from '../cost/index.js'
import { bold, dim, numberText, table } from './text.js'

/** A bill and what others would cost, for the terminal. */
export function costText(report: CostReport): string {
  const { bill, load, pricesAsOf, region, logUsd, processingUsd } = report
  const million = (usd: number): string => dollars((usd / (load.recordsPerSecond * MONTH_SECONDS)) * 1e6)
  const rows = bill.lines.map(({ service, what, usd }) => [`${service}: ${what}`, dollars(usd), million(usd)])
  const latency = `results ${seconds(report.latencySeconds)} after the record that completes them, at most`
  const apart = logUsd > 0 ? `; without the stream ${dollars(processingUsd)}` : ''
  const records = `${rateText(load.recordsPerSecond)} of ${numberText(load.recordBytes)} bytes`
  return [
    `${records}, ${numberText(load.keys)} keys, a month of 730 hours`,
    ...stepsText(report),
    '',
    table(['', 'a month', 'a million records'], [...rows, ['all', dollars(bill.usd), dollars(bill.usdPerMillion)]]),
    '',
    instead(report),
    ...adviceText(report),
    '',
    dim(`List prices of ${pricesAsOf}, ${region}, without free tiers and discounts.`),
    dim(
      bill.isMeasured
        ? 'Units and CPU as a run has measured them.'
        : 'Units by the plan alone: --from-run takes those of a run.',
    ),
    dim('What is yours anyway (a Kafka cluster, a network) is not in it.'),
    bold(`${dollars(bill.usd)} a month, ${dollars(bill.usdPerMillion)} a million records${apart}`),
    bold(latency),
  ].join('\n')
}

/** The bill of each step, where a latency was asked for. */
function stepsText({ steps, latency }: CostReport): string[] {
  if (steps.length === 0) return []
  const { poll, window, invocations, advance } = latency
  const parts = [
    ...(poll > 0 ? [`${seconds(poll)} until a poller looks`] : []),
    `${seconds(window)} of batching window`,
    `${seconds(invocations)} of invocations`,
    ...(advance > 0 ? [`${seconds(advance)} of minAdvance`] : []),
  ]
  return [
    '',
    table(
      ['settings, one after another', 'a month', 'latency'],
      steps.map(({ what, usd, latencySeconds }) => [what, dollars(usd), seconds(latencySeconds)]),
    ),
    dim(`Latency: ${parts.join(', ')},`),
    dim('while records come from every split, and after the bound of disorder.'),
  ]
}

/** Others beside it: the log of both sides apart, as what processes it is what is compared. */
function instead({ alternatives, processingUsd, logUsd }: CostReport): string {
  const others = alternatives.map(({ name, of, processingUsd: processing, logUsd: log, usd, cheaperFrom }) => [
    `${name} (${of})`,
    dollars(processing),
    dollars(log),
    dollars(usd),
    cheaperFrom === undefined ? 'at no rate' : `from ${rateText(cheaperFrom)}`,
  ])
  const own = ['Millrace', dollars(processingUsd), dollars(logUsd), dollars(processingUsd + logUsd), '']
  return table(['a month', 'processing', 'its log', 'both', 'processing is cheaper'], [own, ...others])
}

function adviceText({ advice }: CostReport): string[] {
  if (advice.length === 0) return []
  return [
    '',
    'cheaper still, each by itself',
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
  if (rate >= 1) return `${numberText(rate)} records a second`
  return rate * 60 >= 1 ? `${numberText(rate * 60)} records a minute` : `${numberText(rate * 3_600)} records an hour`
}
