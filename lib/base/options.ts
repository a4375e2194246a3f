import { ConfigError, shown } from './errors.js'

/** The names of an options object. What its interface gains and a list lacks does not compile. */
export type OptionNames<O> = { readonly [K in keyof Required<O>]: unknown }

/**
 * What Kafka Streams, Flink, Beam and Lambda call it, and what it is called here. Lower case: names are compared
 * without it.
 */
const KIN: Readonly<Record<string, string>> = {
  grace: 'allowedLateness',
  graceperiod: 'allowedLateness',
  lateness: 'allowedLateness',
  timezone: 'offset',
  tz: 'offset',
  sideoutputlatedata: 'late',
  timestampextractor: 'timestamp',
  timestampassigner: 'timestamp',
  eventtime: 'timestamp',
  watermarkstrategy: 'watermark',
  dlq: 'deadLetter',
  deadletterqueue: 'deadLetter',
  parallelism: 'keyGroups',
  maxparallelism: 'keyGroups',
  idleness: 'idle',
  idletimeout: 'idle',
  groupid: 'consumerGroupId',
  consumergroup: 'consumerGroupId',
  bootstrap: 'bootstrapServers',
  autooffsetreset: 'startingPosition',
  securitygroup: 'securityGroups',
  memory: 'memorySize',
}

/**
 * Refuses an options object with a name that nobody reads: it would be passed over in silence. `what` begins the
 * sentence.
 * @throws {ConfigError} `unknown-option` with the nearest known name, or `bad-options` for what is no object
 */
export function checkOptions<O extends object>(
  what: string,
  options: O | null | undefined,
  known: OptionNames<NoInfer<O>>,
): void {
  if (options === undefined || options === null) return
  const names = Object.keys(known)
  if (typeof options !== 'object' || Array.isArray(options))
    throw new ConfigError(
      'bad-options',
      `${what} takes its options as an object of ${names.join(', ')}; it got ${shown(options)}.`,
    )
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name))
  if (unknown === undefined) return
  const near = nearest(unknown, names)
  throw new ConfigError(
    'unknown-option',
    `${what} has no option "${unknown}"; it has ${names.join(', ')}.${near === undefined ? ' Leave it out.' : ` Did you mean ${near}?`}`,
  )
}

/**
 * The name that was meant, as far as that can be told: by what others call it, by a part of it, or by a third of its
 * letters at most.
 */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const given = name.toLowerCase()
  const kin = Object.hasOwn(KIN, given) ? KIN[given]! : ''
  if (names.includes(kin)) return kin
  let best: string | undefined
  let least = given.length / 3
  for (const candidate of names) {
    const known = candidate.toLowerCase()
    const isPart = given.length > 3 && known.length > 3 && (known.includes(given) || given.includes(known))
    const far = isPart ? 1 : distance(given, known)
    if (far > least || (far === least && best !== undefined)) continue
    best = candidate
    least = far
  }
  return best
}

/** Letters to put in, take out or change until one name is the other (Levenshtein). */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(row[j - 1]! + 1, above[j]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    above = row
  }
  return above[b.length]!
}
