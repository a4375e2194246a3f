import { HOUR, MINUTE, type OracleWindow, SECOND, type Variant } from './variants.js'

// The oracle's statements. Each table is the one before it and one rule more; nothing is batched, cut or merged.

/** Before any event time. */
const NEVER = -1_000_000_000_000_000

/** The records of each split in order, dealt as `deals` says. */
export const LOGS = `
  create or replace table logs as
  select source, split, row_number() over (partition by source, split order by line) - 1 as position,
    epoch_ms(scheduled::timestamp) as timestamp, delay, distance, origin, destination
  from flights join deals using (source, origin)`

/** The own watermark at each record: what came before it in its split, and nothing else (invariant 1). */
export const WATERMARKED = (bound: number): string => `
  create or replace table watermarked as
  select *, coalesce(max(timestamp) over (
    partition by source, split order by position rows between unbounded preceding and 1 preceding
  ) - ${bound}, ${NEVER}) as own
  from logs`

/** All windows that could hold a record. */
export function WINDOWS({ kind, size, step }: OracleWindow, offset: number): string {
  const period = kind === 'cumulate' ? size : step
  const ends = kind === 'cumulate' ? `generate_series(${step}, ${size}, ${step})` : `[${size}]`
  return `
    create or replace table windows as
    with starts as (
      select ${offset} + unnest(generate_series(
        (min(timestamp) - ${size}) // ${period} - 1, max(timestamp) // ${period} + 1)) * ${period} as "start"
      from logs)
    select "start", "start" + unnest(${ends}) as "end" from starts`
}

/**
 * Each record in each of its windows: whether it counts, whether the window had ended by then, and with which slice it
 * is dealt with.
 */
export const PAIRS = (variant: Variant): string => `
  create or replace table pairs as
  select watermarked.*, "start", "end", ${KEYS[variant.key]} as key,
    "end" + ${variant.allowedLateness} > own as counted,
    "end" <= own as late,
    case when "end" > own then "end" else ${sliceEnd('own', variant)} end as closing
  from watermarked join windows on "start" <= timestamp and timestamp < "end"`

const KEYS = { origin: 'origin', destination: 'destination', route: '[origin, destination]' }

/** The panes of each key and window, numbered in the order of the slices they close with. */
export const PANES = `
  create or replace table panes as
  select *, row_number() over (partition by key, "start", "end" order by closing) - 1 as index
  from (select distinct key, "start", "end", closing from pairs where counted)`

/** What a pane holds: the rows so far, or its own; a retraction holds what the pane before held. */
export function RESULTS(variant: Variant): string {
  const fields = Object.entries(VALUES[variant.values]).map(([name, value]) => `${value} as "${name}"`)
  const rowsWhere = (op: string, holds: string): string => `
    select key, "start", "end", index, ${op} as op, panes.closing > "end" as late,
      panes.closing >= ${sliceEnd(`("end" + ${variant.allowedLateness} - 1)`, variant)} as last, ${fields.join(', ')}
    from panes join pairs using (key, "start", "end")
    where counted and pairs.closing ${holds} panes.closing
    group by key, "start", "end", index, panes.closing`
  if (variant.accumulation === 'accumulating') return rowsWhere('null', '<=')
  if (variant.accumulation === 'discarding') return rowsWhere('null', '=')
  return `${rowsWhere(`'+'`, '<=')} union all ${rowsWhere(`'-'`, '<')}`
}

const EARLIEST = 'timestamp, source, split, position'
const ROUTE = `(origin || '-' || destination)`

/** The results of the folds. Sums are of integers, so one division rounds once. */
const VALUES: Record<Variant['values'], Record<string, string>> = {
  example: {
    flights: 'count(*)',
    meanDelay: 'sum(delay)::double / count(*)',
    worstDelay: 'max(delay)',
    shareDelayed: 'count(*) filter (delay > 15)::double / count(*)',
  },
  rich: {
    routes: `count(distinct ${ROUTE})`,
    shortest: 'min(distance)',
    earliest: `first(${ROUTE} order by ${EARLIEST})`,
    latest: `first(${ROUTE} order by timestamp desc, source desc, split desc, position desc)`,
    worst: `first(${ROUTE} order by delay desc, ${EARLIEST})`,
    best: `first(${ROUTE} order by delay, ${EARLIEST})`,
    five: `list(${ROUTE} order by ${EARLIEST})[:5]`,
    long: 'count(*) filter (distance > 1000)',
    miles: 'sum(distance)',
    // Quarters are exact in binary, so their sum is, and only the division by the count rounds.
    meanQuarter: '(sum(delay)::double / 4) / count(*)',
    spread: `case when count(*) > 1 then sqrt(
      (count(*) * sum(delay * delay) - sum(delay) * sum(delay))::double / (count(*) * (count(*) - 1))::double) end`,
  },
}

/** Invariant 10: per split, records in; per (record, window), counted, late among them, expired. */
export const COUNTERS = `
  select source || '/' || split as split,
    (select count(*) from logs where logs.source = splits.source and logs.split = splits.split) as "in",
    count(*) filter (counted) as counted, count(*) filter (counted and late) as late,
    count(*) filter (not counted) as expired
  from splits left join pairs using (source, split) group by all`

/** One row a record, with the run of its windows. */
export const EXPIRED = `
  select source, split, position, timestamp, key, count(*) as windows, min("start") as "firstStart",
    min("end") as "firstEnd", max("start") as "lastStart", max("end") as "lastEnd", delay, destination
  from pairs where not counted group by all`

/** The end of the slice that holds an instant. */
function sliceEnd(instant: string, variant: Variant): string {
  const width = sliceWidth(variant.window, variant.allowedLateness)
  return `(floor((${instant} - ${variant.offset}) / ${width})::bigint * ${width} + ${width} + ${variant.offset})`
}

const ROUND = [100, 200, 250, 500, ...[1, 2, 5, 10, 15, 20, 30].flatMap((n) => [n * SECOND, n * MINUTE]), HOUR]

/**
 * The windows' grid, or, where an hour or the allowed lateness is shorter, the largest round divisor of the grid not
 * above either.
 */
export function sliceWidth({ kind, size, step }: OracleWindow, allowedLateness: number): number {
  let grid = step
  if (kind === 'hopping') while (size % grid !== 0 || step % grid !== 0) grid--
  const most = allowedLateness === 0 ? HOUR : Math.min(HOUR, allowedLateness)
  return grid <= most ? grid : Math.max(...ROUND.filter((width) => width <= most && grid % width === 0))
}
