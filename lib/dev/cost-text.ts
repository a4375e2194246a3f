import { type CostReport, MONTH_SECONDS } from '../cost/index.js'
import { bold, dim, numberText, table } from './text.js'

/** A bill and what others would cost, for the terminal. */
export function costText({ bill, alternatives, load, pricesAsOf, region }: CostReport): string {
  const dollars = (usd: number): string => `$${usd.toFixed(usd < 100 ? 2 : 0)}`
  const million = (usd: number): string => dollars((usd / (load.recordsPerSecond * MONTH_SECONDS)) * 1e6)
  const rows = bill.lines.map(({ service, what, usd }) => [`${service}: ${what}`, dollars(usd), million(usd)])
  const others = alternatives.map(({ name, of, usd, cheaperFrom }) => [
    `${name} (${of})`,
    dollars(usd),
    million(usd),
    cheaperFrom === undefined ? 'at no rate' : `from ${rateText(cheaperFrom)}`,
  ])
  return [
    `${rateText(load.recordsPerSecond)} of ${numberText(load.recordBytes)} bytes, ${numberText(load.keys)} keys, a month of 730 hours`,
    '',
    table(['', 'a month', 'a million records'], [...rows, ['all', dollars(bill.usd), dollars(bill.usdPerMillion)]]),
    '',
    table(['instead', 'a month', 'a million records', 'cheaper'], others),
    '',
    dim(
      `List prices of ${pricesAsOf}, ${region}, without free tiers and discounts. ${bill.isMeasured ? 'Units and CPU as a run has measured them.' : 'Units by the plan alone: --from-run takes those of a run.'} What is yours anyway (a Kafka cluster, a network) is not in it.`,
    ),
    bold(`${dollars(bill.usd)} a month, ${dollars(bill.usdPerMillion)} a million records`),
  ].join('\n')
}

function rateText(rate: number): string {
  if (rate >= 1) return `${numberText(rate)} records a second`
  return rate * 60 >= 1 ? `${numberText(rate * 60)} records a minute` : `${numberText(rate * 3_600)} records an hour`
}
