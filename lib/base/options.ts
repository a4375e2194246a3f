import { ConfigError, shown } from './errors.js'

/** The names of an options object. A list that lacks a name of the interface does not compile. */
export type OptionNames<O> = { readonly [K in keyof Required<O>]: unknown }

/**
 * Names from Kafka Streams, Flink, Beam and Lambda, in lower case, and the option that Millrace has for each. Names are
 * compared case-insensitively.
 */
const SYNONYMS: Readonly<Record<string, string>> = {
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
 * Refuses an options object with an unknown name, which would otherwise be ignored silently. `what` begins the message.
 * @throws {ConfigError} `unknown-option` with the nearest known name, or `bad-options` for a value that is not an
 * object
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
 * The known name that was probably meant: the equivalent of a name from another product, a name that contains it or is
 * contained in it, or one that differs in at most a third of its letters.
 */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const given = name.toLowerCase()
  const synonym = Object.hasOwn(SYNONYMS, given) ? SYNONYMS[given]! : ''
  if (names.includes(synonym)) return synonym
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

/** Edit distance: the letters to insert, delete or change until the names are equal (Levenshtein). */
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
