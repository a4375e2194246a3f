import { RetryableError } from '../../../lib/base/index.js'
import type {
  Item,
  ItemKey,
  Page,
  RangeQuery,
  Update,
  UpdateAllVerdict,
  UpdateVerdict,
} from '../../../lib/ports/index.js'
import type { Call } from './callers.js'
import type { Journal } from './journal.js'

/** What is wrong with a call, once everything has happened: its words against what the table has seen. */
export function faultsOf(call: Call, journal: Journal): string[] {
  const { asked, error } = call
  const faults: string[] = []
  const say = (fault: string): void => void faults.push(`${call.id} ${asked.kind}: ${fault}`)
  const keys = keysOf(asked)
  for (const key of keys) {
    if (journal.by(call.id, key).length > 1) say(`took effect twice on ${key.sk}`)
  }
  if (error !== undefined) {
    if (!(error instanceof RetryableError)) say(`failed: ${String(error)}`)
    else if (error.code === 'throttled' && keys.length === 1 && journal.by(call.id, keys[0]!).length > 0) {
      say('is said to have been throttled, and took effect')
    }
    return faults
  }
  if (asked.kind === 'insert') {
    for (const [i, item] of asked.items.entries()) {
      const fault = insertFault(call, item, asked.verdicts![i]!, journal)
      if (fault !== undefined) say(`${item.sk} ${asked.verdicts![i]}: ${fault}`)
    }
  } else if (asked.kind === 'update') {
    const fault = updateFault(call, asked.update, asked.verdict!, journal)
    if (fault !== undefined) say(`${asked.update.key.sk} ${asked.verdict!.applied}: ${fault}`)
  } else if (asked.kind === 'updateAll') {
    for (const [i, update] of asked.updates.entries()) {
      const fault = updateFault(call, update, asked.verdicts![i]!, journal)
      if (fault !== undefined) say(`${update.key.sk} ${asked.verdicts![i]!.applied}: ${fault}`)
    }
  } else if (asked.kind === 'get') {
    for (const [i, key] of asked.keys.entries()) {
      if (!journal.was(key, asked.items![i], call.from, call.to)) say(`${key.sk} was never so`)
    }
  } else {
    const fault = pageFault(call, asked.range, asked.page!, journal)
    if (fault !== undefined) say(`${JSON.stringify(asked.range)}: ${fault}`)
  }
  return faults
}

/** The items that a call may write. */
function keysOf(asked: Call['asked']): readonly ItemKey[] {
  if (asked.kind === 'insert') return asked.items
  if (asked.kind === 'update') return [asked.update.key]
  return asked.kind === 'updateAll' ? asked.updates.map(({ key }) => key) : []
}

function insertFault(call: Call, item: Item, verdict: 'inserted' | 'exists', journal: Journal): string | undefined {
  const own = journal.by(call.id, item).length
  if (verdict === 'inserted') return own === 1 ? undefined : 'it took no effect'
  const [first] = journal.of(item)
  if (first === undefined || first.at > call.to) return 'nothing stood in its way'
  return refusedFault(call, item, journal)
}

function updateFault(
  call: Call,
  update: Update,
  verdict: UpdateVerdict | UpdateAllVerdict,
  journal: Journal,
): string | undefined {
  const { key } = update
  const [own] = journal.by(call.id, key)
  if (verdict.applied) {
    if (own === undefined) return 'it took no effect'
    const before = journal.before(own)
    if (before === undefined || !holds(update, before)) return 'what it changed did not allow it'
    if (!('item' in verdict)) return undefined
    return journal.was(key, verdict.item, own.at, own.at) ? undefined : 'its item is not what it left behind'
  }
  if (!journal.was(key, verdict.item, call.from, call.to)) return 'what stood in its way never stood'
  if (verdict.item !== undefined && !call.looksLater && holds(update, verdict.item))
    return 'what stood in its way did not'
  return refusedFault(call, key, journal)
}

/**
 * What is refused had no effect. A call that could not know whether an earlier attempt had one is refused by its own
 * effect only where another has changed the item since; and where an attempt was held, its effect may come after the
 * verdict.
 */
function refusedFault(call: Call, key: ItemKey, journal: Journal): string | undefined {
  if (journal.by(call.id, key).length === 0 || call.isHeld) return undefined
  if (!call.isUncertain) return 'it took effect'
  return journal.isCovered(call.id, key, call.to) ? undefined : 'it took effect, and that was to be seen'
}

function holds({ when }: Update, item: Item): boolean {
  return when.every((condition) => {
    const actual = item[condition.attribute]
    if (condition.is === 'absent') return actual === undefined
    return condition.is === 'equal' ? actual === condition.value : actual === undefined || actual < condition.value
  })
}

function pageFault(call: Call, range: RangeQuery, { items, next }: Page, journal: Journal): string | undefined {
  const { pk, from, to, after, descending = false, limit = Number.POSITIVE_INFINITY } = range
  const isBefore = (a: string, b: string): boolean => (descending ? a > b : a < b)
  const isCovered = (sk: string): boolean =>
    sk >= from && sk < to && (after === undefined || isBefore(after, sk)) && (next === undefined || !isBefore(next, sk))
  if (items.length > limit) return 'it is longer than its limit'
  for (const [i, item] of items.entries()) {
    if (item.pk !== pk || !isCovered(item.sk)) return `${item.sk} is none of its items`
    if (i > 0 && !isBefore(items[i - 1]!.sk, item.sk)) return `${item.sk} is out of order`
    if (!journal.was(item, item, call.from, call.to)) return `${item.sk} was never so`
  }
  const given = new Set(items.map(({ sk }) => sk))
  for (const sk of journal.sortKeys(pk, call.from)) if (isCovered(sk) && !given.has(sk)) return `${sk} is missing`
  return undefined
}
