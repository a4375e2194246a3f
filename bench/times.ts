import { iso } from '../lib/time/index.js'
import { median } from './drive.js'

const TEXTS = 20_000
const WARM_ROUNDS = 3
const ROUNDS = 15

/** The text of a time in each form, derived from the result of `toISOString()`. */
const FORMS: Readonly<Record<string, (text: string) => string>> = {
  '2001-01-01T00:03:00Z': (text) => `${text.slice(0, 19)}Z`,
  '2001-01-01T00:03:00.123Z': (text) => text,
  '2001-01-01T00:03:00.123456Z': (text) => `${text.slice(0, 23)}456Z`,
  '2001-01-01T00:03:00.123456789Z': (text) => `${text.slice(0, 23)}456789Z`,
  '2001-01-01T00:03:00.123+02:00': (text) => `${text.slice(0, 23)}+02:00`,
  '2001-01-01 00:03:00.123Z': (text) => text.replace('T', ' '),
}

export interface TimeFigures {
  readonly form: string
  readonly isoNs: number
  readonly parseNs: number
}

/**
 * The time to parse a text of each form: `iso()` compared with `Date.parse`, in alternating rounds, with times of many
 * days.
 */
export async function times(): Promise<TimeFigures[]> {
  return Object.entries(FORMS).map(([form, write]) => {
    const texts = Array.from({ length: TEXTS }, (_, i) => write(new Date(i * 40_000_123).toISOString()))
    // In the form that a record has them: strings of a JSON document.
    const read: string[] = JSON.parse(JSON.stringify(texts))
    const ours: number[] = []
    const theirs: number[] = []
    for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
      const isoNs = nsOf(read, iso)
      const parseNs = nsOf(read, Date.parse)
      if (round < 0) continue
      ours.push(isoNs)
      theirs.push(parseNs)
    }
    return { form, isoNs: median(ours), parseNs: median(theirs) }
  })
}

function nsOf(texts: readonly string[], parse: (text: string) => number): number {
  let sum = 0
  const started = process.hrtime.bigint()
  for (const text of texts) sum += parse(text)
  const spent = Number(process.hrtime.bigint() - started)
  if (Number.isNaN(sum)) throw new Error('a text of the benchmark is not a time')
  return spent / texts.length
}
