import fc from 'fast-check'
import type {
  Attribute,
  Condition,
  Item,
  ItemKey,
  Page,
  RangeQuery,
  StateStore,
  Update,
  UpdateVerdict,
} from '../../lib/ports/index.js'

export type Step =
  | { readonly kind: 'insert'; readonly items: readonly Item[] }
  | { readonly kind: 'update'; readonly update: Update }
  | { readonly kind: 'updateAll'; readonly updates: readonly Update[] }
  | { readonly kind: 'get'; readonly keys: readonly ItemKey[] }
  | { readonly kind: 'query'; readonly range: RangeQuery }

const sks = fc.string({
  unit: fc.constantFrom('\0', 'a', 'b', '\x7f', 'é', '\uffff', '😀'),
  minLength: 1,
  maxLength: 3,
})
const keys = fc.record({ pk: fc.constantFrom('p', 'pa', 'q'), sk: sks })
const texts = fc.constantFrom('', 'a', 'b', '\uffff', '😀')
const numbers = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-0, 1e15, -2.5))
const bytes = fc.uint8Array({ maxLength: 3 })
const values = fc.oneof(texts, numbers, fc.boolean(), bytes)
const names = fc.constantFrom('x', 'y', 'zz')
const sets = fc.dictionary(names, values, { maxKeys: 3 })
const items: fc.Arbitrary<Item> = fc.tuple(keys, sets).map(([key, set]) => ({ ...set, ...key }))
const idOf = ({ pk, sk }: ItemKey): string => JSON.stringify([pk, sk])

const conditions: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ attribute: names, is: fc.constant('equal' as const), value: values }),
  fc.record({ attribute: names, is: fc.constant('below' as const), value: fc.oneof(texts, numbers) }),
  fc.record({ attribute: names, is: fc.constant('absent' as const) }),
)
const updates: fc.Arbitrary<Update> = fc
  .record({ key: keys, set: sets, remove: fc.uniqueArray(names), when: fc.array(conditions, { maxLength: 2 }) })
  .map((update) => ({ ...update, remove: update.remove.filter((name) => !(name in update.set)) }))
const ranges: fc.Arbitrary<RangeQuery> = fc
  .record({
    pk: fc.constantFrom('p', 'pa', 'none'),
    from: sks,
    to: sks,
    after: sks,
    goesOn: fc.boolean(),
    descending: fc.boolean(),
    limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  })
  .map(({ goesOn, after, ...range }) =>
    goesOn && order(range.from, after) <= 0 && order(after, range.to) < 0 ? { ...range, after } : range,
  )

export const scripts: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.uniqueArray(items, { selector: idOf, maxLength: 8 }).map((all): Step => ({ kind: 'insert', items: all })),
    updates.map((update): Step => ({ kind: 'update', update })),
    fc
      .uniqueArray(updates, { selector: ({ key }) => idOf(key), maxLength: 5 })
      .map((all): Step => ({ kind: 'updateAll', updates: all })),
    fc.uniqueArray(keys, { selector: idOf, maxLength: 4 }).map((all): Step => ({ kind: 'get', keys: all })),
    ranges.map((range): Step => ({ kind: 'query', range })),
  ),
  { maxLength: 20 },
)

export async function runOnStore(store: StateStore, script: readonly Step[]): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const step of script) {
    if (step.kind === 'insert') answers.push(await store.insert(step.items))
    else if (step.kind === 'update') answers.push(await store.update(step.update))
    else if (step.kind === 'updateAll') answers.push(await store.updateAll(step.updates))
    else if (step.kind === 'get') answers.push(await store.get(step.keys))
    else answers.push(await asked(store, step.range))
  }
  return answers
}

/** As many items as were asked for, or all that there are: a page may have fewer, and say where it goes on. */
async function asked(store: StateStore, range: RangeQuery): Promise<Item[]> {
  const items: Item[] = []
  let rest: RangeQuery | undefined = range
  while (rest !== undefined) {
    const page: Page = await store.query(rest)
    items.push(...page.items)
    const limit: number | undefined = range.limit && range.limit - items.length
    rest = page.next === undefined || limit === 0 ? undefined : { ...range, limit, after: page.next }
  }
  return items
}

/** The simplest implementation of the port: one map, sorted again for every query. */
export function runOnModel(script: readonly Step[]): unknown[] {
  const stored = new Map<string, Item>()
  return script.map((step) => {
    if (step.kind === 'insert') return step.items.map((item) => insert(stored, item))
    if (step.kind === 'update') return update(stored, step.update)
    if (step.kind === 'updateAll')
      return step.updates.map((one) => {
        const verdict = update(stored, one)
        return verdict.applied ? { applied: true } : verdict
      })
    if (step.kind === 'get') return step.keys.map((key) => stored.get(idOf(key)))
    return query([...stored.values()], step.range)
  })
}

function insert(stored: Map<string, Item>, item: Item): string {
  if (stored.has(idOf(item))) return 'exists'
  stored.set(idOf(item), withoutMinusZero(item))
  return 'inserted'
}

function update(stored: Map<string, Item>, { key, set, remove = [], when }: Update): UpdateVerdict {
  const item = stored.get(idOf(key))
  if (!item || !when.every((condition) => holds(condition, item[condition.attribute]))) return { applied: false, item }
  const kept = Object.entries(item).filter(([name]) => !remove.includes(name))
  const after = withoutMinusZero({ ...Object.fromEntries(kept), ...set } as Item)
  stored.set(idOf(key), after)
  return { applied: true, item: after }
}

function holds(condition: Condition, actual: Attribute | undefined): boolean {
  if (condition.is === 'absent') return actual === undefined
  const { is, value } = condition
  if (actual === undefined) return is === 'below'
  if (kindOf(actual) !== kindOf(value)) return false
  if (is === 'below')
    return typeof actual === 'number' ? actual < Number(value) : order(String(actual), String(value)) < 0
  return String(actual) === String(value)
}

const kindOf = (value: Attribute): string => typeof value
const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const withoutMinusZero = (item: Item): Item =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, value === 0 ? 0 : value])) as unknown as Item

function query(items: readonly Item[], { pk, from, to, after, descending, limit }: RangeQuery): Item[] {
  const found = items
    .filter((item) => item.pk === pk && order(from, item.sk) <= 0 && order(item.sk, to) < 0)
    .sort((a, b) => (descending ? order(b.sk, a.sk) : order(a.sk, b.sk)))
    .filter(({ sk }) => after === undefined || (descending ? order(sk, after) < 0 : order(after, sk) < 0))
  return found.slice(0, limit ?? found.length)
}
