import { keyedWindows } from './keyed-windows.js'
import { plainly } from './process.js'
import { partOf, plainRows } from './rows.js'
import {
  type AggregateName,
  DRIFT_MS,
  decimalOf,
  type Event,
  HELD_MS,
  idOf,
  isFussy,
  keyOf,
  numberOf,
  type OperatorSpec,
  runStep,
  type SourceSpec,
  type Spec,
} from './spec.js'

/**
 * What a pipeline has to give, computed from its logs at once and in the plainest way, without a line of the library.
 * Besides the logs it takes the marks that logs do not hold: behind which gate a stretch of a split was counted, what
 * an operator had skipped, and what was deleted unread.
 */

/** A record as the oracle knows it. */
export interface OracleRecord {
  readonly position: string
  /** User records of one aggregate share it. */
  readonly unit: number
  /** Undefined where nobody knows. */
  readonly arrivalMs: number | undefined
  /** What its payload is: a value, nothing, or why it is none. */
  readonly is: { readonly event: Event } | 'tombstone' | { readonly bad: string }
}

export interface OracleSplit {
  readonly source: string
  readonly split: string
  readonly parents: readonly string[]
  readonly records: readonly OracleRecord[]
  readonly gateAt: (position: string) => number
  /** What a clock allowed of stamps far ahead, where it was asked. */
  readonly limitAt: (position: string) => number | undefined
  readonly skipsAfter: ReadonlySet<string>
}

export interface Tally {
  in: number
  rejected: number
  filtered: number
  passed: number
  /** Rows that each filter dropped, each flatMap made, and the side output took. */
  steps: number[]
  operators: { counted: number; late: number; expired: number }[]
}

export interface Expectation {
  /** Rows of each sink as text, sorted. */
  readonly rows: ReadonlyMap<string, string[]>
  /** By `source/split`. */
  readonly tallies: ReadonlyMap<string, Tally>
  /** The highest event time that was counted. */
  readonly topMs: number
  /** By operator: the last slice in which rows are dealt with. */
  readonly ends: readonly number[]
}

/** In which order the keys of a slice are processed. */
export type OrderOf = (key: unknown) => readonly [hash: number, text: string]

/** Behind which gate the next operator counts a row of a key, of the slice that closes. */
export type GateOf = (operator: string, key: unknown, closing: number) => number

/** A row on its way into an operator. */
interface Input {
  readonly value: any
  readonly timestamp: number
  readonly own: number
  readonly weight: 1 | -1
  readonly place: { readonly split: string; readonly position: string }
  readonly turn: number
}

/** A row that an operator gives when a slice closes. */
interface Result {
  readonly closing: number
  readonly key: unknown
  readonly row: any
  readonly timestamp: number
  readonly weight: 1 | -1
}

/** Rows of one (key, window), by the end of the slice in which they are dealt with. */
interface Cell {
  readonly key: unknown
  readonly start: number
  readonly end: number
  readonly closings: Map<number, Input[]>
}

const ROUND_S = [0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600]

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
const floorTo = (t: number, step: number, offset: number): number => Math.floor((t - offset) / step) * step + offset

/** Design, section 1: the grid, or the largest round divisor of it that allowed lateness, or else an hour, leaves. */
export function sliceWidth({ window, latenessMs, process, keyed, running, rows }: OperatorSpec): number {
  const { everyMs } = process ?? keyed ?? running ?? rows ?? { everyMs: 0 }
  if (everyMs > 0) return everyMs
  const grid = window.kind === 'hopping' ? gcd(window.sizeMs, window.stepMs) : window.stepMs
  const limit = latenessMs > 0 ? Math.min(3_600_000, latenessMs) : 3_600_000
  if (grid <= limit) return grid
  const fit = ROUND_S.map((s) => s * 1000).filter((ms) => ms <= limit && grid % ms === 0)
  return Math.max(...fit)
}

/** An operator with state for each key, which has no windows. */

export function windowsOf({ window }: OperatorSpec, t: number): { start: number; end: number }[] {
  const { kind, sizeMs, stepMs, offsetMs } = window
  const found: { start: number; end: number }[] = []
  if (kind === 'cumulate') {
    const start = floorTo(t, sizeMs, offsetMs)
    for (let end = start + stepMs; end <= start + sizeMs; end += stepMs) if (end > t) found.push({ start, end })
    return found
  }
  for (let start = floorTo(t, stepMs, offsetMs); start > t - sizeMs; start -= stepMs)
    found.push({ start, end: start + sizeMs })
  return found
}

const isKeyed = ({ process, keyed, running, rows }: OperatorSpec): boolean =>
  (process ?? keyed ?? running ?? rows) !== undefined

export function interpret(
  spec: Spec,
  splits: readonly OracleSplit[],
  refuses: (sink: string, value: any) => string | undefined,
  gateOf: GateOf = () => Number.NEGATIVE_INFINITY,
  orderOf: OrderOf = () => [0, ''],
): Expectation {
  const rows = new Map<string, string[]>()
  const tallies = new Map<string, Tally>()
  const owns = new Map<string, number>()
  const states = spec.operators.map(() => new Map<string, Cell>())
  const entered = spec.operators.map(() => new Map<string, { key: unknown; rows: Input[] }>())
  const lastOf = spec.operators.map(() => Number.NEGATIVE_INFINITY)
  const rowsOf = spec.operators.map(() => new Map<string, { key: unknown; own: number; carrier: number }[]>())
  let topMs = Number.NEGATIVE_INFINITY
  const emit = (sink: string, value: any, of: { source: string; split: string }): void => {
    const reason = refuses(sink, value)
    const list = rows.get(reason === undefined ? sink : 'dead') ?? []
    rows.set(reason === undefined ? sink : 'dead', list)
    list.push(
      reason === undefined
        ? canonical(value)
        : canonical({ reason: 'sink-refused', source: of.source, payload: value }),
    )
  }
  const tallyOf = (name: string): Tally => {
    const operators = spec.operators.slice(0, 1).map(() => ({ counted: 0, late: 0, expired: 0 }))
    const tally = tallies.get(name) ?? { in: 0, rejected: 0, filtered: 0, passed: 0, steps: [], operators }
    tallies.set(name, tally)
    return tally
  }

  // Parents first: a child starts where the lowest of them ended.
  for (const split of parentsFirst(splits)) {
    const source = spec.sources.find(({ name }) => name === split.source)!
    const name = `${split.source}/${split.split}`
    const tally = tallyOf(name)
    let own = Math.min(
      ...split.parents.map((parent) => owns.get(`${split.source}/${parent}`) ?? Number.POSITIVE_INFINITY),
    )
    if (own === Number.POSITIVE_INFINITY) own = Number.NEGATIVE_INFINITY
    let before = '0'
    let skipped: number | undefined
    for (const [at, record] of split.records.entries()) {
      tally.in++
      // An aggregate is skipped as a whole: nobody knows which of its records it was.
      if (split.skipsAfter.has(before)) skipped = record.unit
      const isSkipped = skipped === record.unit
      before = record.position
      if (record.is === 'tombstone' && !isSkipped) {
        tally.filtered++
        continue
      }
      const judged = isSkipped ? 'skipped' : judge(source, record, own + source.boundMs, split.limitAt(record.position))
      if (typeof judged === 'string') {
        // One letter tells of all records of it.
        if (isSkipped && split.records[at + 1]?.unit === record.unit) tally.rejected++
        else reject(split, record, judged)
        continue
      }
      const { event, timestamp, moves } = judged
      const effective = Math.max(own, split.gateAt(record.position))
      const outcome = take(split, record, event, timestamp, effective)
      if (outcome === 'rejected') {
        reject(split, record, 'step-threw')
        continue
      }
      if (outcome === 'filtered') tally.filtered++
      else tally.passed++
      own = Math.max(own, moves - source.boundMs)
      topMs = Math.max(topMs, timestamp)
    }
    owns.set(name, own)
  }
  for (const [i] of spec.operators.entries()) close(i)
  for (const list of rows.values()) list.sort()
  const ends = states.map((cells, i) => {
    const operator = spec.operators[i]!
    const width = sliceWidth(operator)
    if (isKeyed(operator)) return floorTo(lastOf[i]!, width, 0) + width
    const lag = operator.isFinal ? Math.ceil(operator.latenessMs / width) * width : 0
    const last = [...cells.values()].flatMap(({ end, closings }) => (lag > 0 ? [end + lag] : [...closings.keys()]))
    return Math.max(...last)
  })
  return { rows, tallies, topMs, ends }

  function reject(split: OracleSplit, record: OracleRecord, reason: string): void {
    tallyOf(`${split.source}/${split.split}`).rejected++
    emit('dead', { reason, source: split.source, split: split.split, position: record.position }, split)
  }

  function take(split: OracleSplit, record: OracleRecord, event: Event, timestamp: number, own: number) {
    let list: readonly Event[] = [event]
    const steps: number[] = []
    try {
      for (const step of spec.steps) {
        const before = list.length
        list = list.flatMap((row) => runStep(step, row))
        if (step.kind !== 'map') steps.push(step.kind === 'filter' ? before - list.length : list.length)
      }
    } catch {
      return 'rejected'
    }
    const isSide = (row: Event): boolean => spec.side !== undefined && row.id % spec.side.mod === spec.side.rest
    const main = list.filter((row) => !isSide(row))
    const inputs = main.map((value) => ({
      value,
      timestamp,
      own,
      weight: 1 as const,
      place: { split: `${split.source}/${split.split}`, position: record.position },
      turn: Math.max(timestamp, own),
    }))
    const [operator] = spec.operators
    if (operator?.aggregates.includes('fussy') === true)
      for (const input of inputs) if (isFussy(numberOf(input.value)) && isCounted(operator, input)) return 'rejected'
    if (spec.side !== undefined) steps.push(list.length - main.length)
    const tally = tallyOf(`${split.source}/${split.split}`)
    tally.steps = steps.map((rows, i) => rows + (tally.steps[i] ?? 0))
    for (const row of list) if (isSide(row)) emit('side', row, split)
    if (spec.hasPassed) for (const row of main) emit('passed', row, split)
    if (operator !== undefined) for (const input of inputs) enter(0, input, split.source, tally)
    return list.length === 0 || (operator === undefined && !spec.hasPassed && main.length === list.length)
      ? 'filtered'
      : 'passed'
  }

  function isCounted(operator: OperatorSpec, { timestamp, own }: Input): boolean {
    if (isKeyed(operator)) return true
    return windowsOf(operator, timestamp).some(({ end }) => end + operator.latenessMs > own)
  }

  /** A row comes to an operator: counted, late or expired in each of its windows. */
  function enter(i: number, input: Input, source: string, tally: Tally | undefined): void {
    const operator = spec.operators[i]!
    const { timestamp, own, value } = input
    const whole = keyOf(operator.key, value)
    const { rows: over } = operator
    const isParted = over?.hasPart === true && (over.kind === 'first' || over.kind === 'last')
    const key = isParted ? [JSON.stringify(whole), JSON.stringify(partOf(value))] : whole
    if (isKeyed(operator)) {
      if (tally !== undefined) {
        tally.operators[0]!.counted++
        if (own > timestamp) tally.operators[0]!.late++
      }
      const name = JSON.stringify(key)
      const mine = entered[i]!.get(name) ?? { key, rows: [] }
      entered[i]!.set(name, mine)
      mine.rows.push(input)
      return
    }
    const width = sliceWidth(operator)
    const all = windowsOf(operator, timestamp)
    const gone = all.filter(({ end }) => end + operator.latenessMs <= own).sort((a, b) => a.end - b.end)
    if (gone.length > 0) {
      if (tally !== undefined) tally.operators[0]!.expired += gone.length
      const row = {
        reason: 'expired',
        source,
        operator: operator.name,
        key,
        windows: { count: gone.length, first: gone[0], last: gone.at(-1) },
        timestamp,
        payload: bare(value),
      }
      emit(operator.hasLate ? `late${i}` : 'dead', row, { source, split: source })
    }
    if (gone.length < all.length) {
      const mine = floorTo(timestamp, width, operator.window.offsetMs) + width
      const carrier = mine > own ? mine : floorTo(own, width, operator.window.offsetMs) + width
      const list = rowsOf[i]!.get(JSON.stringify(key)) ?? []
      rowsOf[i]!.set(JSON.stringify(key), list)
      list.push({ key, own: mine, carrier })
    }
    for (const { start, end } of all) {
      if (end + operator.latenessMs <= own) continue
      if (tally !== undefined) {
        tally.operators[0]!.counted++
        if (end <= own) tally.operators[0]!.late++
      }
      const name = `${JSON.stringify(key)} ${start} ${end}`
      const cell = states[i]!.get(name) ?? { key, start, end, closings: new Map() }
      states[i]!.set(name, cell)
      const closing = end > own ? end : floorTo(own, width, operator.window.offsetMs) + width
      const list = cell.closings.get(closing) ?? []
      list.push(input)
      cell.closings.set(closing, list)
    }
  }

  /** A window without rows has a pane on time, of each key that has rows within the horizon of its end. */
  function addEmpty(i: number): void {
    const operator = spec.operators[i]!
    const { window, latenessMs } = operator
    const horizonMs = Math.max(operator.emptyForMs, window.stepMs)
    const width = sliceWidth(operator)
    const lag = operator.isFinal ? Math.ceil(latenessMs / width) * width : 0
    const grid = window.offsetMs + (window.kind === 'hopping' ? window.sizeMs : 0)
    for (const rows of rowsOf[i]!.values()) {
      for (const { key, own } of rows) {
        for (
          let end = floorTo(own - 1, window.stepMs, grid) + window.stepMs;
          end < own + horizonMs;
          end += window.stepMs
        ) {
          const isKnown = rows.some((row) => row.own > end - horizonMs && row.own <= end && row.carrier <= end + lag)
          const start = windowsOf(operator, end - 1).find((one) => one.end === end)?.start
          if (!isKnown || start === undefined) continue
          const name = `${JSON.stringify(key)} ${start} ${end}`
          const cell = states[i]!.get(name) ?? { key, start, end, closings: new Map() }
          states[i]!.set(name, cell)
          if (operator.isFinal ? cell.closings.size === 0 : !cell.closings.has(end)) cell.closings.set(end, [])
        }
      }
    }
  }

  /** Whether rows may be taken back before this operator, and all of these were. */
  function isGone(i: number, rows: readonly Input[]): boolean {
    const before = spec.operators[i - 1]
    const repeats =
      (before?.latenessMs ?? 0) > 0 || (before?.keyed?.earlyMs ?? 0) + (before?.keyed?.earlyCount ?? 0) > 0
    const isTakenBack =
      before?.accumulation === 'retracting' && (before.running !== undefined || (repeats && !before.isFinal))
    return isTakenBack && AGGREGATES.count(rows) === 0
  }

  /** Every row that an operator with state for each key gives, and on to the next operator. */
  function process(i: number): void {
    const operator = spec.operators[i]!
    const width = sliceWidth(operator)
    const results: Result[] = []
    for (const { key, rows } of entered[i]!.values()) {
      const inOrder = [...rows].sort((a, b) => a.turn - b.turn || byOrigin(a, b))
      const { given, refused, last } =
        operator.rows === undefined
          ? plainly(operator.process!, inOrder)
          : plainRows(operator.rows, inOrder, (some) => [...(some as Input[])].sort(byOrigin))
      lastOf[i] = Math.max(lastOf[i]!, last)
      for (const { row, timestamp, time } of given)
        results.push({ closing: floorTo(time, width, 0) + width, key, row, timestamp, weight: 1 })
      for (const { split, position, payload } of refused) {
        const isTimer = split === ''
        const of = split.includes('/') ? { split, position } : { split: isTimer ? operator.name : split }
        emit(
          'dead',
          { reason: 'step-threw', source: operator.name, ...of, payload: bare(payload) },
          { source: '', split: '' },
        )
      }
    }
    pass(i, results)
  }

  /** Every result of windows with state for each key. */
  function windows(i: number): void {
    const operator = spec.operators[i]!
    const width = sliceWidth(operator)
    const results: Result[] = []
    const foldedOf = (rows: readonly any[]) =>
      Object.fromEntries(operator.aggregates.map((name) => [name, aggregate(name, rows)]))
    for (const { key, rows } of entered[i]!.values()) {
      const inOrder = [...rows].sort((a, b) => a.turn - b.turn || byOrigin(a, b))
      const { given, expired, last } = keyedWindows(operator, key, inOrder, windowsOf, foldedOf)
      lastOf[i] = Math.max(lastOf[i]!, last)
      for (const { row, timestamp, weight, time } of given)
        results.push({ closing: floorTo(time, width, 0) + width, key, row, timestamp, weight })
      for (const { row, windows } of expired) {
        const { timestamp, value } = row
        const range = { count: windows.length, first: windows[0], last: windows.at(-1) }
        const letter = {
          reason: 'expired',
          operator: operator.name,
          key,
          windows: range,
          timestamp,
          payload: bare(value),
        }
        const { name } = operator
        emit(operator.hasLate ? `late${i}` : 'dead', { ...letter, source: name }, { source: name, split: name })
      }
    }
    pass(i, results)
  }

  /** Every result of folds without a window. */
  function totals(i: number): void {
    const operator = spec.operators[i]!
    const { everyMs, ttlMs } = operator.running!
    const isRetracting = operator.accumulation === 'retracting'
    const results: Result[] = []
    for (const { key, rows } of entered[i]!.values()) {
      const slices = new Map<number, Input[]>()
      for (const row of rows) {
        const closing = floorTo(row.turn, everyMs, 0) + everyMs
        slices.set(closing, [...(slices.get(closing) ?? []), row])
      }
      let kept: Input[] = []
      let last = Number.NEGATIVE_INFINITY
      for (const [closing, own] of [...slices].sort((a, b) => a[0] - b[0])) {
        // State that expires within a slice with rows is kept.
        if (ttlMs > 0 && last - 1 + ttlMs < closing - everyMs) kept = []
        const before = kept
        kept = [...kept, ...own]
        last = closing
        lastOf[i] = Math.max(lastOf[i]!, closing - 1)
        const row = (of: readonly Input[], op?: string) => ({
          key,
          value: Object.fromEntries(operator.aggregates.map((name) => [name, aggregate(name, of)])),
          timestamp: closing - 1,
          ...(op && { op }),
        })
        const isGone = (AGGREGATES.count(kept) as number) <= 0
        const result = { closing, key, timestamp: closing - 1 }
        if (before.length > 0 && (isRetracting || isGone))
          results.push({ ...result, row: row(before, '-'), weight: -1 })
        if (!isGone) results.push({ ...result, row: row(kept, isRetracting ? '+' : undefined), weight: 1 })
        else kept = []
      }
    }
    pass(i, results)
  }

  /** Results go to their sink, and to the next operator in the order of (slice, key, n). */
  function pass(i: number, results: readonly Result[]): void {
    const operator = spec.operators[i]!
    const width = sliceWidth(operator)
    const lag = operator.isFinal ? Math.ceil(operator.latenessMs / width) * width : 0
    const ranked = results.map((result, n) => ({ ...result, n, order: orderOf(result.key) }))
    ranked.sort(
      (a, b) => a.closing - b.closing || a.order[0] - b.order[0] || compare(a.order[1], b.order[1]) || a.n - b.n,
    )
    for (const [at, { closing, key, row, timestamp, weight }] of ranked.entries()) {
      emit(`out${i}`, row, { source: operator.name, split: operator.name })
      if (i + 1 === spec.operators.length) continue
      const own = Math.max(closing - width - lag, gateOf(operator.name, key, closing))
      const place = { split: operator.name, position: String(at).padStart(9, '0') }
      const turn = Math.max(timestamp, own)
      enter(i + 1, { value: row, timestamp, own, weight, place, turn }, operator.name, undefined)
    }
  }

  /** Every pane of every window. */
  function close(i: number): void {
    const operator = spec.operators[i]!
    if (operator.process !== undefined || operator.rows !== undefined) {
      process(i)
      return
    }
    if (operator.keyed !== undefined) {
      windows(i)
      return
    }
    if (operator.running !== undefined) {
      totals(i)
      return
    }
    if (operator.emptyForMs > 0) addEmpty(i)
    const width = sliceWidth(operator)
    const results: Result[] = []
    const cells = [...states[i]!.values()].sort((a, b) => a.end - b.end)
    for (const { key, start, end, closings } of cells) {
      const timestamp = end - 1
      const lastClosing = floorTo(end + operator.latenessMs - 1, width, operator.window.offsetMs) + width
      let all: Input[] = []
      const panes = operator.isFinal ? new Map([[lastClosing, [...closings.values()].flat()]]) : closings
      for (const [index, [closing, own]] of [...panes].sort((a, b) => a[0] - b[0]).entries()) {
        const pane = {
          index,
          timing: closing === end || operator.isFinal ? 'on-time' : 'late',
          first: index === 0,
          last: closing >= lastClosing,
        }
        const before = all
        all = [...all, ...own]
        const row = (inputs: readonly Input[], op?: '+' | '-') => ({
          key,
          value: Object.fromEntries(operator.aggregates.map((name) => [name, aggregate(name, inputs)])),
          window: { start, end },
          pane,
          ...(op && { op }),
        })
        if (operator.accumulation === 'discarding') results.push({ closing, key, timestamp, weight: 1, row: row(own) })
        else {
          const isRetracting = operator.accumulation === 'retracting'
          // Where all rows were taken back, the result ceases to be.
          const stood = index > 0 && !isGone(i, before)
          const gone = isGone(i, all)
          if (stood && (isRetracting || gone))
            results.push({ closing, key, timestamp, weight: -1, row: row(before, '-') })
          if (!gone) results.push({ closing, key, timestamp, weight: 1, row: row(all, isRetracting ? '+' : undefined) })
        }
      }
    }
    pass(i, results)
  }
}

/**
 * The value of a record, its event time and how far that moves its split, or why it has none. `top` is the highest that
 * has moved it.
 */
function judge(source: SourceSpec, { is, arrivalMs }: OracleRecord, top: number, limit: number | undefined) {
  if (is === 'tombstone') return 'tombstone'
  if ('bad' in is) return is.bad
  const { t } = is.event
  if (typeof t !== 'number' || !Number.isFinite(t)) return 'bad-timestamp'
  const follows = (arrivalMs ?? top) + DRIFT_MS
  if (t <= follows) return { event: is.event, timestamp: t, moves: t }
  // Far ahead of all before it, and nobody knows when it came: as the mark has it.
  if (arrivalMs === undefined && t <= limit!) return { event: is.event, timestamp: t, moves: t }
  const most = arrivalMs === undefined ? limit! : follows
  if (source.onFutureDrift === 'hold' && t <= most + HELD_MS) {
    const arrived = most - DRIFT_MS
    const moves = top === Number.NEGATIVE_INFINITY ? arrived : Math.min(arrived, top + DRIFT_MS)
    return { event: is.event, timestamp: t, moves }
  }
  if (source.onFutureDrift !== 'clamp') return 'future-timestamp'
  const clamped = follows === Number.NEGATIVE_INFINITY ? limit! : follows
  return { event: is.event, timestamp: clamped, moves: clamped }
}

/** One function an aggregate: this is where a new one joins. */
const AGGREGATES: Record<AggregateName, (rows: readonly Input[]) => unknown> = {
  count: (rows) => rows.reduce((n, { weight }) => n + weight, 0),
  sum: (rows) => rows.reduce((n, { value, weight }) => n + weight * numberOf(value), 0),
  decimal: (rows) => {
    const counts = [0, 0, 0, 0]
    for (const { value, weight } of rows) counts[decimalOf(value).split('.')[1]?.length ?? 0]! += weight
    const sum = rows.reduce((n, { value, weight }) => n + weight * Number(decimalOf(value)), 0)
    return sum.toFixed(
      Math.max(
        0,
        counts.findLastIndex((count) => count !== 0),
      ),
    )
  },
  avg: (rows) => {
    const n = rows.reduce((sum, { weight }) => sum + weight, 0)
    return n === 0 ? null : rows.reduce((sum, { value, weight }) => sum + weight * numberOf(value), 0) / n
  },
  min: (rows) => (rows.length === 0 ? null : Math.min(...rows.map(({ value }) => numberOf(value)))),
  max: (rows) => (rows.length === 0 ? null : Math.max(...rows.map(({ value }) => numberOf(value)))),
  first: (rows) => (rows.length === 0 ? null : idOf([...rows].sort(byOrigin)[0]!.value)),
  last: (rows) => (rows.length === 0 ? null : idOf([...rows].sort(byOrigin).at(-1)!.value)),
  distinct: (rows) => new Set(rows.map(({ value }) => numberOf(value))).size,
  ids: (rows) => [...rows].sort(byOrigin).map(({ value }) => idOf(value)),
  fussy: (rows) => rows.length,
  trail: (rows) =>
    [...rows]
      .sort((a, b) => a.turn - b.turn || byOrigin(a, b))
      .map(({ value }) => `>${idOf(value)}`)
      .join(''),
}

function aggregate(name: AggregateName, rows: readonly Input[]): unknown {
  return AGGREGATES[name](rows)
}

function byOrigin(a: Input, b: Input): number {
  return (
    a.timestamp - b.timestamp || compare(a.place.split, b.place.split) || compare(a.place.position, b.place.position)
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function parentsFirst(splits: readonly OracleSplit[]): OracleSplit[] {
  const done: OracleSplit[] = []
  const visit = (split: OracleSplit): void => {
    if (done.includes(split)) return
    for (const parent of split.parents) {
      const found = splits.find((other) => other.source === split.source && other.split === parent)
      if (found !== undefined) visit(found)
    }
    done.push(split)
  }
  splits.forEach(visit)
  return done
}

/** A result without what only the library gives it. */
function bare(value: any): unknown {
  const { id: _, ...rest } = value.window === undefined ? { id: 0, ...{ whole: value } } : value
  return value.window === undefined ? value : rest
}

/** JSON with sorted names. */
export function canonical(value: any): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'undefined'
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const names = Object.keys(value).filter((name) => value[name] !== undefined)
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)
    .join()}}`
}
