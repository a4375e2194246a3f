import fc from 'fast-check'

/** What stands where something else should. */
const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    true,
    false,
    '',
    ' ',
    'aws:kafka',
    'aws:kinesis',
    'aws:sqs',
    '__proto__',
    'constructor',
    '0',
    '-1',
    '\ud800',
    ':',
    '-',
    'x-0',
  ),
  fc.constantFrom<unknown>(
    0,
    -0,
    -1,
    1.5,
    2 ** 31,
    2 ** 53 - 1,
    2 ** 53,
    1e21,
    9e12,
    -9e12,
    1e300,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ),
  fc.constantFrom<unknown>([], {}, [null], [[]], { length: 3 }, { __proto: 1 }),
  fc.jsonValue({ maxDepth: 2 }),
)

const KINDS = [
  'delete',
  'duplicate',
  'shuffle',
  'retype',
  'pollute',
  'rename',
  'replace',
  'insert',
  'swap',
  'graft',
  'blend',
] as const

/** One change of a tree. `at` and `other` choose places in it, round and round; `value` is what is put in. */
interface Mutation {
  readonly kind: (typeof KINDS)[number]
  readonly at: number
  readonly other: number
  readonly value: unknown
}

export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...KINDS), at: fc.nat(10_000), other: fc.nat(10_000), value: junk }),
  { minLength: 1, maxLength: 3 },
)

interface Place {
  readonly holder: any
  readonly key: string
}

function placesOf(value: unknown, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found
  for (const key of Object.keys(value)) {
    found.push({ holder: value, key })
    placesOf((value as any)[key], found)
  }
  return found
}

/** As JSON.parse would: `__proto__` becomes a field of its own. */
function put(holder: any, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, writable: true, configurable: true })
}

/** A copy of the event with the changes; `donor` is another event, of which parts may be grafted in. */
export function mutated(event: unknown, all: readonly Mutation[], donor: unknown): unknown {
  const root = { event: structuredClone(event) }
  for (const one of all) mutate(root, one, donor)
  return root.event
}

/** Both at once: lists one after the other, objects with the fields of both. */
function blended(a: unknown, b: unknown): unknown {
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b]
  if (!isObject(a) || !isObject(b)) return a
  const both = { ...a }
  for (const [key, value] of Object.entries(b))
    put(both, key, Object.hasOwn(a, key) ? blended((a as any)[key], value) : value)
  return both
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function mutate(root: { event: unknown }, one: Mutation, donor: unknown): void {
  if (one.kind === 'blend') {
    root.event = blended(root.event, structuredClone(donor))
    return
  }
  const all = placesOf(root)
  const lists = all.filter(({ holder, key }) => Array.isArray(holder[key]) && holder[key].length > 1)
  const places = one.kind === 'shuffle' && lists.length > 0 ? lists : all
  if (places.length === 0) return
  const { holder, key } = places[one.at % places.length]!
  const value = holder[key]
  switch (one.kind) {
    case 'delete':
      if (Array.isArray(holder)) holder.splice(Number(key), 1)
      else delete holder[key]
      break
    case 'duplicate':
      if (Array.isArray(holder)) holder.splice(Number(key), 0, structuredClone(value))
      else put(holder, `${key}-0`, structuredClone(value))
      break
    case 'shuffle':
      if (Array.isArray(value)) value.reverse()
      else if (Array.isArray(holder)) holder.push(holder.shift())
      break
    case 'retype':
      put(holder, key, retyped(value))
      break
    case 'pollute':
      if (typeof value === 'object' && value !== null) put(value, '__proto__', { polluted: true, length: 1 })
      else put(holder, '__proto__', { polluted: true })
      break
    case 'rename':
      if (!Array.isArray(holder)) {
        delete holder[key]
        put(
          holder,
          ['__proto__', 'constructor', `${key}0`, key.toLowerCase(), 'records', 'Records'][one.other % 6]!,
          value,
        )
      }
      break
    case 'replace':
      put(holder, key, structuredClone(one.value))
      break
    case 'insert':
      if (Array.isArray(value)) value.splice(one.other % (value.length + 1), 0, structuredClone(one.value))
      else put(holder, key, [value, structuredClone(one.value)])
      break
    case 'swap': {
      const other = places[one.other % places.length]!
      const theirs = structuredClone(other.holder[other.key])
      put(other.holder, other.key, structuredClone(value))
      put(holder, key, theirs)
      break
    }
    case 'graft': {
      const theirs = placesOf({ donor })
      const { holder: giver, key: name } = theirs[one.other % theirs.length]!
      const gift = structuredClone(giver[name])
      if (Array.isArray(value)) value.push(gift)
      else if (typeof value === 'object' && value !== null) put(value, name, gift)
      else put(holder, key, gift)
    }
  }
}

function retyped(value: unknown): unknown {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return value !== '' && Number.isFinite(Number(value)) ? Number(value) : [value]
  if (Array.isArray(value)) return { ...value }
  return typeof value === 'object' && value !== null ? Object.values(value) : String(value)
}
