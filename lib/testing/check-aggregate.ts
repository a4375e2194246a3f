import type { Aggregate, Place } from '../aggregate/index.js'
import { checkOptions, MillraceError, messageOf } from '../base/index.js'
import { deepFreeze, exactText } from './exact-text.js'
import { Random } from './random.js'

/** A row with its position among the others. Fields that are omitted follow from the order of the rows in the list. */
export interface RowAt<T> {
  readonly row: T
  readonly timestamp?: number
  readonly split?: string
  readonly position?: string
}

export interface CheckOptions {
  /** How many random divisions into batches are tried. Default 100. */
  readonly runs?: number
  /** The seed of the randomness: the same seed gives the same divisions. Default 1. */
  readonly seed?: number
}

/** A row with the value that the accumulator folds. */
interface Input extends Place {
  readonly read: unknown
}

const SHOWN_LENGTH_MAX = 300
const BATCHES_MAX = 8

/**
 * Checks that an aggregate gives one result however its rows are divided into batches, stored and merged (invariant
 * 13). Only then do its results in a pipeline depend on the rows alone. Rows are plain, or each is a `{ row, timestamp,
 * split, position }`. The check is deterministic, and runs under any test framework.
 * @throws {MillraceError} `bad-aggregate`, with the seed, the division and the two results; or with the function that
 * changed its input, or the value that is not JSON
 * @example
 * it('gives one result however records are batched', () => {
 *   checkAggregate(longestName, [{ name: 'Ada' }, { name: 'Grace' }, { name: 'Barbara' }, { name: 'Edith' }])
 * })
 */
export function checkAggregate<T>(
  aggregate: Aggregate<T, any>,
  rows: readonly T[] | readonly RowAt<T>[],
  options: CheckOptions = {},
): void {
  checkOptions('checkAggregate()', options, { runs: true, seed: true })
  const { runs = 100, seed = 1 } = options
  const check = new Check(aggregate)
  const before = exactText(rows)
  const inputs = placed(rows).flatMap((at) => check.read(at))
  if (inputs.length < 2) {
    throw check.failure(
      `needs at least two rows that it folds, so that they can be divided into batches; it has ${inputs.length}`,
    )
  }
  const empty = exactText(aggregate.encode(aggregate.create()))
  const whole = check.result(check.fold(inputs))
  if (exactText(rows) !== before) throw check.failure('changes the rows that it folds, but other steps read them too')
  if (exactText(aggregate.encode(aggregate.create())) !== empty) {
    throw check.failure(
      'starts from an accumulator that earlier rows have changed; init must create a new one each time',
    )
  }
  for (let run = 0; run < runs; run++) check.run(inputs, whole, (seed + run) | 0)
}

class Check {
  private readonly aggregate: Aggregate<any, any>

  constructor(aggregate: Aggregate<any, any>) {
    this.aggregate = aggregate
  }

  failure(what: string): MillraceError {
    return new MillraceError('bad-aggregate', `The aggregate "${this.aggregate.kind}" ${what}.`)
  }

  read({ row, place }: Placed): Input[] {
    const read = this.aggregate.read(row)
    return read === undefined ? [] : [{ ...place, read }]
  }

  /** One random division: batches of consecutive rows, each stored, then merged in a random tree. */
  run(inputs: readonly Input[], whole: string, seed: number): void {
    const random = new Random(seed)
    const batches = cut(inputs, random)
    const accs = batches.map((batch) => this.fold(batch))
    while (accs.length > 1) {
      const merged = this.merge(random.take(accs), random.take(accs))
      accs.push(random.below(2) === 0 ? merged : this.stored(merged))
    }
    const result = this.result(accs[0]!)
    if (result === whole) return
    throw this.failure(
      `depends on how its rows are divided into batches: in one batch they give ${short(whole)}, in batches of ${batches.map((batch) => batch.length).join(', ')} they give ${short(result)} (seed ${seed}). merge must be associative and commutative to the last bit; otherwise set ordered: true`,
    )
  }

  /** Folds a batch and stores the accumulator, as ingest does. */
  fold(inputs: readonly Input[]): unknown {
    let acc = this.aggregate.create()
    for (const input of inputs) acc = this.aggregate.add(acc, input.read, 1, input)
    return this.stored(acc)
  }

  /** The accumulator as another process reads it, after a round trip through JSON. */
  private stored(acc: unknown): unknown {
    const encoded = this.aggregate.encode(acc)
    let json: unknown
    try {
      json = JSON.parse(JSON.stringify(encoded))
    } catch (thrown) {
      throw this.failure(`has an accumulator that is not JSON: ${messageOf(thrown)}`)
    }
    if (exactText(json) !== exactText(encoded)) {
      throw this.failure(
        `has an accumulator that is not JSON: ${short(exactText(encoded))} is read back as ${short(exactText(json))}`,
      )
    }
    return this.aggregate.decode(json)
  }

  private merge(a: unknown, b: unknown): unknown {
    return this.untouched('merge', [a, b], () => this.aggregate.merge(a, b))
  }

  /**
   * The result as text, which is how it leaves a pipeline: equal to the last bit, and with its fields in the same
   * order.
   */
  result(acc: unknown): string {
    return exactText(this.untouched('result', [acc], () => this.aggregate.result(acc)))
  }

  /** Runs the user's code on frozen accumulators, because warm containers keep and reuse them. */
  private untouched<R>(what: string, accs: readonly unknown[], run: () => R): R {
    const before = exactText(accs)
    deepFreeze(accs)
    let made: R
    try {
      made = run()
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown
      throw this.failure(
        `failed in ${what}: ${thrown.message}. Accumulators are frozen here, because ${what} must not change them`,
      )
    }
    if (exactText(accs) !== before) throw this.failure(`has a ${what} that changes its argument accumulator`)
    return made
  }
}

interface Placed {
  readonly row: unknown
  readonly place: Place
}

function placed(rows: readonly unknown[]): Placed[] {
  const named = rows.length > 0 && rows.every(isRowAt)
  return rows.map((given, index) => {
    const at: RowAt<unknown> = named ? (given as RowAt<unknown>) : { row: given }
    const { timestamp = index, split = 'split', position = String(index).padStart(8, '0') } = at
    return { row: at.row, place: { turn: timestamp, timestamp, split, position } }
  })
}

const FIELDS = ['row', 'timestamp', 'split', 'position']

/** A user's own rows may have a field `row` too, but a `RowAt` has only these fields. */
function isRowAt(given: unknown): given is RowAt<unknown> {
  return (
    typeof given === 'object' &&
    given !== null &&
    Object.hasOwn(given, 'row') &&
    Object.keys(given).every((name) => FIELDS.includes(name))
  )
}

/** Divides the rows into one to eight batches, some of which may be empty. */
function cut(inputs: readonly Input[], random: Random): Input[][] {
  const ends = Array.from({ length: 1 + random.below(BATCHES_MAX) }, () => random.below(inputs.length + 1))
  const bounds = [0, ...ends.sort((a, b) => a - b), inputs.length]
  return bounds.slice(1).map((end, index) => inputs.slice(bounds[index], end))
}

function short(text: string): string {
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text
}
