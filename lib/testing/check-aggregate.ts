import type { Aggregate, Place } from '../aggregate/index.js'
import { checkOptions, MillraceError, messageOf } from '../base/index.js'
import { deepFreeze, exactText } from './exact-text.js'
import { Random } from './random.js'

/** A row with where it stands among others. What is left out goes by the rows' order in the list. */
export interface RowAt<T> {
  readonly row: T
  readonly timestamp?: number
  readonly split?: string
  readonly position?: string
}

export interface CheckOptions {
  /** How many random cuts are tried. Default 100. */
  readonly runs?: number
  /** Where the randomness starts: the same seed cuts the same way. Default 1. */
  readonly seed?: number
}

/** A row with what an accumulator takes of it. */
interface Input extends Place {
  readonly read: unknown
}

const SHOWN_LENGTH_MAX = 300
const BATCHES_MAX = 8

/**
 * Tries whether an aggregate gives one result however its rows are cut into batches, stored and merged (invariant 13):
 * what it gives in a pipeline then hangs on the rows alone. Rows are plain, or each a `{ row, timestamp, split,
 * position }`. Deterministic; runs under any test framework.
 * @throws {MillraceError} `bad-aggregate`, naming the seed, the cut and the two results; or what changed an input, or
 * is no JSON
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
    throw check.failure(`needs at least two rows that it folds, to be cut between them; it has ${inputs.length}`)
  }
  const empty = exactText(aggregate.encode(aggregate.create()))
  const whole = check.result(check.fold(inputs))
  if (exactText(rows) !== before) throw check.failure('changes the rows that it folds; other steps read them too')
  if (exactText(aggregate.encode(aggregate.create())) !== empty) {
    throw check.failure('starts from an accumulator that earlier rows have changed; init must make a new one each time')
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

  /** One random cut: batches of the log in a row, each stored, then merged in a random tree. */
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
      `hangs on how its rows are cut into batches: all at once they give ${short(whole)}, in batches of ${batches.map((batch) => batch.length).join(', ')} they give ${short(result)} (seed ${seed}). merge must be associative and commutative to the last bit; or say ordered: true`,
    )
  }

  /** Folds a batch and stores it, as ingest does. */
  fold(inputs: readonly Input[]): unknown {
    let acc = this.aggregate.create()
    for (const input of inputs) acc = this.aggregate.add(acc, input.read, 1, input)
    return this.stored(acc)
  }

  /** The accumulator as another process reads it: by then only JSON is left of it. */
  private stored(acc: unknown): unknown {
    const encoded = this.aggregate.encode(acc)
    let json: unknown
    try {
      json = JSON.parse(JSON.stringify(encoded))
    } catch (thrown) {
      throw this.failure(`has an accumulator that is no JSON: ${messageOf(thrown)}`)
    }
    if (exactText(json) !== exactText(encoded)) {
      throw this.failure(
        `has an accumulator that is no JSON: ${short(exactText(encoded))} is read back as ${short(exactText(json))}`,
      )
    }
    return this.aggregate.decode(json)
  }

  private merge(a: unknown, b: unknown): unknown {
    return this.untouched('merge', [a, b], () => this.aggregate.merge(a, b))
  }

  /**
   * The result as text, because that is how it leaves a pipeline: equal to the last bit and in the order of its fields.
   */
  result(acc: unknown): string {
    return exactText(this.untouched('result', [acc], () => this.aggregate.result(acc)))
  }

  /** Runs the user's code on frozen accumulators, which warm containers keep and use again. */
  private untouched<R>(what: string, accs: readonly unknown[], run: () => R): R {
    const before = exactText(accs)
    deepFreeze(accs)
    let made: R
    try {
      made = run()
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown
      throw this.failure(
        `failed in ${what}: ${thrown.message}. Accumulators are frozen here, because ${what} must leave them as they are`,
      )
    }
    if (exactText(accs) !== before) throw this.failure(`has a ${what} that changes an accumulator it is given`)
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

/** Rows of one's own may have a field `row` too: a place has no others than these. */
function isRowAt(given: unknown): given is RowAt<unknown> {
  return (
    typeof given === 'object' &&
    given !== null &&
    Object.hasOwn(given, 'row') &&
    Object.keys(given).every((name) => FIELDS.includes(name))
  )
}

/** Cuts the rows into one to eight batches, some of them perhaps empty. */
function cut(inputs: readonly Input[], random: Random): Input[][] {
  const ends = Array.from({ length: 1 + random.below(BATCHES_MAX) }, () => random.below(inputs.length + 1))
  const bounds = [0, ...ends.sort((a, b) => a - b), inputs.length]
  return bounds.slice(1).map((end, index) => inputs.slice(bounds[index], end))
}

function short(text: string): string {
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text
}
