import fc from 'fast-check'
import type {
  AggregateName,
  KeyedWindowsSpec,
  OperatorSpec,
  ProcessSpec,
  RowsSpec,
  SourceSpec,
  Spec,
  StepSpec,
  WindowKind,
} from './spec.js'

/** Random legal pipelines, as data. */

const sourceSpec = (index: number): fc.Arbitrary<SourceSpec> =>
  fc.record({
    name: fc.constant(`source${index}`),
    connector: fc.constantFrom('kinesis', 'kafka', 'file'),
    boundMs: fc.constantFrom(0, 500, 2_000, 4_000),
    splits: fc.integer({ min: 1, max: 3 }),
    onFutureDrift: fc.constantFrom('hold', 'hold', 'reject', 'clamp'),
    isAggregated: fc.boolean(),
    hasNoArrival: fc.boolean(),
  })

const stepSpec: fc.Arbitrary<StepSpec> = fc.oneof(
  fc.record({ kind: fc.constant('filter' as const), mod: fc.constant(5), rest: fc.nat(4) }),
  fc.record({ kind: fc.constant('map' as const), add: fc.integer({ min: -4, max: 4 }) }),
  fc.record({ kind: fc.constant('flat' as const), times: fc.constantFrom(1, 2, 1, 2, 12) }),
)

const windowKind: fc.Arbitrary<WindowKind> = fc
  .tuple(
    fc.constantFrom(
      ['tumbling', 10_000, 10_000],
      ['tumbling', 4_000, 4_000],
      ['tumbling', 1_500, 1_500],
      ['hopping', 12_000, 4_000],
      ['hopping', 10_000, 4_000],
      ['hopping', 6_000, 9_000],
      ['cumulate', 20_000, 5_000],
      ['cumulate', 9_000, 3_000],
      ['hopping', 30_000, 1_000],
    ) as fc.Arbitrary<readonly [WindowKind['kind'], number, number]>,
    fc.constantFrom(0, 0, 1_000, -700),
  )
  .map(([[kind, sizeMs, stepMs], offsetMs]) => ({ kind, sizeMs, stepMs, offsetMs }))

const OF_EVENTS: readonly AggregateName[] = [
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
  'distinct',
  'ids',
  'fussy',
  'trail',
  'decimal',
]
const OF_RESULTS: readonly AggregateName[] = ['sum', 'avg', 'min', 'max', 'distinct', 'decimal']
/** What can take a row back. */
const INVERTIBLE: readonly AggregateName[] = ['sum', 'avg', 'decimal']

interface Draft extends Omit<OperatorSpec, 'aggregates'> {
  readonly picks: readonly number[]
}

const processSpec: fc.Arbitrary<ProcessSpec> = fc.record({
  everyMs: fc.constantFrom(100, 1_000, 2_000, 5_000),
  gapMs: fc.constantFrom(500, 3_000, 7_000, 20_000),
  ttlMs: fc.constantFrom(0, 0, 2_000, 9_000),
  recentTtlMs: fc.constantFrom(0, 1_500, 5_000),
})

const keyedSpec: fc.Arbitrary<KeyedWindowsSpec> = fc
  .record({
    kind: fc.constantFrom('session' as const, 'session' as const, 'early' as const),
    everyMs: fc.constantFrom(100, 1_000, 2_000),
    gapMs: fc.constantFrom(1, 700, 3_000, 8_000),
    isGapOfRow: fc.boolean(),
    early: fc.constantFrom([0, 0], [0, 0], [2_000, 0], [6_000, 0], [0, 2], [10_000, 3]),
  })
  .map(({ early, ...spec }) => {
    // Windows without early results are folded from slices.
    const [earlyMs, earlyCount] = spec.kind === 'early' && early[0]! + early[1]! === 0 ? [2_000, 0] : early
    return { ...spec, earlyMs: earlyMs!, earlyCount: earlyCount! }
  })
const ROWS = ['first', 'last', 'ever', 'lag', 'lead', 'topN', 'rank', 'count', 'slide', 'over', 'range'] as const
const rowsSpec: fc.Arbitrary<RowsSpec> = fc.record({
  kind: fc.constantFrom(...ROWS),
  everyMs: fc.constantFrom(100, 1_000, 2_000, 5_000),
  rows: fc.constantFrom(1, 2, 3, 4, 7),
  slide: fc.constantFrom(1, 2, 3, 5),
  timeMs: fc.constantFrom(1, 500, 3_000, 8_000, 20_000),
  ttlMs: fc.constantFrom(0, 0, 2_000, 9_000),
  hasPart: fc.boolean(),
})

const operatorDraft = (index: number): fc.Arbitrary<Draft> =>
  fc.record({
    name: fc.constant(`op${index}`),
    key: fc.constantFrom('plain', 'odd', 'number', 'boolean', 'tuple', 'one'),
    window: windowKind,
    latenessMs: fc.constantFrom(0, 0, 700, 3_000, 7_000, 15_000, 30_000),
    accumulation: fc.constantFrom('accumulating', 'discarding', 'retracting'),
    emptyForMs: fc.constantFrom(0, 0, 0, 0, 10_000, 25_000),
    isFinal: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    picks: fc.array(fc.nat(10), { minLength: 1, maxLength: 3 }),
    hasLate: fc.boolean(),
    process: fc.tuple(fc.nat(3), processSpec).map(([n, spec]) => (n === 0 ? spec : undefined)),
    running: fc
      .record({
        n: fc.nat(7),
        everyMs: fc.constantFrom(500, 2_000, 10_000),
        ttlMs: fc.constantFrom(0, 0, 3_000, 15_000),
      })
      .map(({ n, ...spec }) => (n === 0 ? spec : undefined)),
    keyed: fc.tuple(fc.nat(3), keyedSpec).map(([n, spec]) => (n === 0 ? spec : undefined)),
  })

/** Whether later results of an operator replace earlier ones, unless it discards or gives one result alone. */
const repeats = ({ latenessMs, keyed, running }: Pick<OperatorSpec, 'latenessMs' | 'keyed' | 'running'>): boolean =>
  running !== undefined || latenessMs > 0 || (keyed !== undefined && keyed.earlyMs + keyed.earlyCount > 0)

/**
 * Makes a chain legal: late panes that another operator reads must not count rows again, nor take back what cannot be.
 */
function chained(drafts: readonly Draft[]): OperatorSpec[] {
  const operators: OperatorSpec[] = []
  for (const [i, { picks, ...draft }] of drafts.entries()) {
    const upstream = operators[i - 1]
    if (draft.process !== undefined) {
      operators.push({
        ...draft,
        accumulation: 'accumulating',
        aggregates: ['count'],
        isFinal: false,
        emptyForMs: 0,
        latenessMs: 0,
        keyed: undefined,
        running: undefined,
      })
      continue
    }
    const isTakenBack = upstream !== undefined && repeats(upstream) && upstream.accumulation === 'retracting'
    const isRead = i + 1 < drafts.length
    if (draft.running !== undefined) {
      const names = upstream === undefined ? OF_EVENTS : isTakenBack ? INVERTIBLE : OF_RESULTS
      const fields = picks.map((pick) => names[pick % names.length]!).filter((name) => name !== 'trail')
      operators.push({
        ...draft,
        accumulation: isRead || draft.accumulation === 'retracting' ? 'retracting' : 'accumulating',
        aggregates: [...new Set<AggregateName>(['count', ...fields])],
        isFinal: false,
        emptyForMs: 0,
        latenessMs: 0,
        keyed: undefined,
        // A key that is gone while rows of it are still to be taken back would be counted below zero.
        running: { ...draft.running, ttlMs: isTakenBack ? 0 : draft.running.ttlMs },
      })
      continue
    }
    // Rows cannot be taken back out of a session.
    const keyed = isTakenBack ? undefined : draft.keyed
    const names = upstream === undefined ? OF_EVENTS : isTakenBack ? INVERTIBLE : OF_RESULTS
    const aggregates = [...new Set<AggregateName>(['count', ...picks.map((pick) => names[pick % names.length]!)])]
    const several =
      isRead && repeats({ ...draft, keyed, running: undefined }) && draft.accumulation === 'accumulating'
        ? 'discarding'
        : draft.accumulation
    const isFinal = draft.isFinal && (keyed === undefined || keyed.earlyMs + keyed.earlyCount === 0)
    const accumulation = isFinal ? 'accumulating' : several
    const emptyForMs = isTakenBack || keyed !== undefined ? 0 : draft.emptyForMs
    // Each window keeps its own rows: many windows with folds that keep rows are too large for the state of one key.
    const { sizeMs, stepMs } = draft.window
    const window = keyed !== undefined && sizeMs > 10 * stepMs ? { ...draft.window, stepMs: sizeMs / 3 } : draft.window
    operators.push({ ...draft, window, accumulation, aggregates, emptyForMs, keyed, isFinal })
  }
  return operators
}

/** Makes some operators ones over rows, where rows are not taken back. */
function withRows(operators: readonly OperatorSpec[], rows: readonly (RowsSpec | undefined)[]): OperatorSpec[] {
  const out: OperatorSpec[] = []
  for (const [i, operator] of operators.entries()) {
    const before = out[i - 1]
    const isTakenBack = before !== undefined && before.accumulation === 'retracting' && repeats(before)
    const draft = rows[i]
    out.push(draft === undefined || isTakenBack ? operator : { ...operator, ...overRows(draft) })
  }
  return out
}

/** What an operator over rows has in place of what windows have. */
export const overRows = (rows: RowsSpec) =>
  ({
    rows,
    process: undefined,
    keyed: undefined,
    running: undefined,
    accumulation: 'accumulating',
    aggregates: ['count'],
    isFinal: false,
    emptyForMs: 0,
    latenessMs: 0,
    hasLate: false,
  }) as const

export const anySpec: fc.Arbitrary<Spec> = fc
  .record({
    sources: fc.integer({ min: 1, max: 10 }).chain((n) => fc.tuple(sourceSpec(0), ...(n > 7 ? [sourceSpec(1)] : []))),
    keyGroups: fc.constantFrom(1, 2, 3, 6, 9),
    minAdvanceMs: fc.constantFrom(0, 0, 2_000),
    idleAfterMs: fc.constantFrom(4_000, 30_000, 60_000),
    idleClose: fc.constantFrom(false as const, 'clock' as const, 1_000, 30_000, 300_000),
    steps: fc.array(stepSpec, { maxLength: 2 }),
    side: fc.option(fc.record({ mod: fc.constant(4), rest: fc.nat(3) }), { nil: undefined, freq: 3 }),
    hasPassed: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    operators: fc
      .integer({ min: 0, max: 9 })
      .chain((n) =>
        fc.tuple(
          ...[operatorDraft(0), operatorDraft(1), operatorDraft(2)].slice(0, n === 0 ? 0 : n < 7 ? 1 : n < 9 ? 2 : 3),
        ),
      )
      .map((drafts) => chained(drafts as Draft[])),
    writeShards: fc.constantFrom(1, 1, 2, 5),
    // Drawn last, so that the rest of a seed's pipeline is what it was before there were these.
    rows: fc.array(
      fc.tuple(fc.nat(11), rowsSpec).map(([n, rows]) => (n === 0 ? rows : undefined)),
      { minLength: 3, maxLength: 3 },
    ),
  })
  .map(({ rows, ...spec }) => ({
    ...spec,
    operators: withRows(spec.operators, rows),
    name: 'random',
    // A pipeline that hands nothing on is refused.
    hasPassed: spec.hasPassed || spec.operators.length === 0,
  }))

export function specOf(seed: number): Spec {
  return fc.sample(anySpec, { seed, numRuns: 1 })[0]!
}
