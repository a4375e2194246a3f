import { aggregate, list, map, type ProcessContext, type ProcessHandlers, sum, value } from '../../lib/index.js'
import { isFussy, numberOf, type ProcessSpec, tagOf } from './spec.js'

/**
 * A process function that uses all that there is: each kind of state, expiry, timers that are set, replaced and
 * deleted, for times that have passed too, and handlers that throw after they have changed something. It is written
 * twice: for the library, and plainly, on a row or a timer at a time.
 */

export function declared({ ttlMs, recentTtlMs }: ProcessSpec) {
  return {
    ...(ttlMs > 0 && { ttl: ttlMs }),
    state: {
      seen: value(0),
      again: value(0),
      total: aggregate(sum(numberOf)),
      recent: list<number>({ max: 3, ...(recentTtlMs > 0 && { ttl: recentTtlMs }) }),
      kinds: map<string, number>(),
    },
  }
}

type Declared = ReturnType<typeof declared>['state']

export function handlers(spec: ProcessSpec): ProcessHandlers<any, any, Declared, any> {
  const seenBy = ({ state }: ProcessContext<any, Declared>) => ({
    k: state.seen.get() % 5,
    seen: state.seen.get(),
    total: state.total.get(),
    recent: [...state.recent.get()],
    kinds: [...state.kinds.entries()],
  })
  return {
    *onRow(ctx, row) {
      const { state, timers, timestamp } = ctx
      const tag = tagOf(row)
      state.seen.update((n) => n + 1)
      state.total.add(row)
      state.recent.add(tag)
      state.kinds.set(`k${tag % 3}`, (state.kinds.get(`k${tag % 3}`) ?? 0) + 1)
      timers.set('quiet', timestamp + spec.gapMs)
      if (tag % 5 === 0) timers.delete('quiet')
      if (tag % 4 === 1) timers.set(`t${tag % 3}`, timestamp + 2_500)
      if (tag % 7 === 2) state.kinds.clear()
      if (tag % 6 === 0) return
      const out = { id: tag, v: numberOf(row), ...seenBy(ctx), at: timestamp, now: ctx.now, late: ctx.isLate }
      yield out
      if (isFussy(numberOf(row))) throw new Error('a handler throws when it has given a row')
      if (tag % 6 === 1) yield { ...out, twice: true }
    },
    onTimer(ctx, timer) {
      const { state, timers } = ctx
      if (timer.name === 't2' && state.seen.get() % 3 === 1) {
        state.seen.set(99)
        throw new Error('a timer throws')
      }
      const out = { id: state.seen.get(), v: 0, ...seenBy(ctx), timer: timer.name, at: timer.time, now: ctx.now }
      if (timer.name === 'quiet') {
        state.seen.clear()
        state.total.clear()
      } else if (timer.name === 't1' && state.again.get() < 3) {
        state.again.update((n) => n + 1)
        timers.set('t1', timer.time - 10)
        timers.set('t0', timer.time + 700)
      }
      return [out]
    },
  }
}

/** A row on its way into the process function, for the plain version. */
export interface PlainRow {
  readonly value: any
  readonly turn: number
  readonly timestamp: number
  readonly place: { readonly split: string; readonly position: string }
}

interface Kept {
  seen: number | undefined
  again: number | undefined
  total: number | undefined
  recent: readonly number[]
  kinds: readonly (readonly [string, number])[]
  readonly expiries: Record<string, number>
  readonly timers: Record<string, number>
}

interface Given {
  readonly row: any
  readonly timestamp: number
  /** When it was given: its slice is the one that holds this time. */
  readonly time: number
}
interface Refused {
  readonly split: string
  readonly position: string
  readonly payload: unknown
  readonly time: number
}

/** All that the process function gives for one key, whose rows are in order. */
export function plainly(spec: ProcessSpec, rows: readonly PlainRow[]) {
  const given: Given[] = []
  const refused: Refused[] = []
  let last = Number.NEGATIVE_INFINITY
  let kept: Kept = {
    seen: undefined,
    again: undefined,
    total: undefined,
    recent: [],
    kinds: [],
    expiries: {},
    timers: {},
  }
  const write = (state: Kept, field: string, time: number): void => {
    const ttl = field === 'recent' && spec.recentTtlMs > 0 ? spec.recentTtlMs : spec.ttlMs
    if (ttl > 0) state.expiries[field] = time + ttl
  }
  for (let at = 0; ; ) {
    const row = rows[at]
    const [timer] = Object.entries(kept.timers).sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
    if (row === undefined && timer === undefined) return { given, refused, last }
    const isTimer = timer !== undefined && (row === undefined || timer[1] < row.turn)
    const time = isTimer ? timer[1] : row!.turn
    last = Math.max(last, time)
    const before = kept
    const state: Kept = { ...kept, expiries: { ...kept.expiries }, timers: { ...kept.timers } }
    for (const [field, expiry] of Object.entries(state.expiries)) {
      if (expiry > time) continue
      delete state.expiries[field]
      Object.assign(state, { [field]: field === 'recent' || field === 'kinds' ? [] : undefined })
    }
    const seenBy = () => ({
      k: (state.seen ?? 0) % 5,
      seen: state.seen ?? 0,
      total: state.total ?? 0,
      recent: state.recent,
      kinds: state.kinds,
    })
    const out: any[] = []
    const set = (name: string, when: number): void => {
      state.timers[name] = Math.max(Math.ceil(when), isTimer ? time + 1 : time)
    }
    let isThrown = false
    if (isTimer) {
      const [name] = timer
      delete state.timers[name]
      if (name === 't2' && (state.seen ?? 0) % 3 === 1) isThrown = true
      else {
        out.push({ id: state.seen ?? 0, v: 0, ...seenBy(), timer: name, at: time, now: time })
        if (name === 'quiet') {
          state.seen = undefined
          state.total = undefined
          delete state.expiries.seen
          delete state.expiries.total
        } else if (name === 't1' && (state.again ?? 0) < 3) {
          state.again = (state.again ?? 0) + 1
          write(state, 'again', time)
          set('t1', time - 10)
          set('t0', time + 700)
        }
      }
    } else {
      at++
      const { value: event, timestamp } = row!
      const tag = tagOf(event)
      state.seen = (state.seen ?? 0) + 1
      state.total = (state.total ?? 0) + numberOf(event)
      state.recent = [...state.recent, tag].slice(-3)
      const kind = `k${tag % 3}`
      state.kinds = state.kinds.some(([name]) => name === kind)
        ? state.kinds.map(([name, n]) => [name, name === kind ? n + 1 : n] as const)
        : [...state.kinds, [kind, 1] as const]
      for (const field of ['seen', 'total', 'recent', 'kinds']) write(state, field, time)
      set('quiet', timestamp + spec.gapMs)
      if (tag % 5 === 0) delete state.timers.quiet
      if (tag % 4 === 1) set(`t${tag % 3}`, timestamp + 2_500)
      if (tag % 7 === 2) {
        state.kinds = []
        delete state.expiries.kinds
      }
      if (tag % 6 !== 0) {
        const late = row!.turn > timestamp
        const one = { id: tag, v: numberOf(event), ...seenBy(), at: timestamp, now: time, late }
        out.push(one)
        isThrown = isFussy(numberOf(event))
        if (tag % 6 === 1) out.push({ ...one, twice: true })
      }
    }
    if (!isThrown) {
      kept = state
      const timestamp = isTimer ? time : row!.timestamp
      for (const given1 of out) given.push({ row: given1, timestamp, time })
      continue
    }
    // What it changed is undone; a timer has fired nevertheless.
    kept = { ...before, timers: { ...before.timers } }
    if (isTimer) delete kept.timers[timer[0]]
    const place = isTimer ? { split: '', position: '' } : row!.place
    refused.push({ ...place, payload: isTimer ? { timer: timer[0], time } : row!.value, time })
  }
}
