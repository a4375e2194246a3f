import type { Json, Place } from '../aggregate/index.js'
import {
  EVENT_TIME_MAX,
  encodeKey,
  glimpse,
  KEY_ROWS_MAX,
  KEY_STATE_CHARS_MAX,
  RecordRejection,
  ROWS_PER_RECORD_MAX,
  settled,
  TIMERS_FIRED_MAX,
  TIMERS_OF_KEY_MAX,
  TIMERS_WITHOUT_ROW_MAX,
} from '../base/index.js'
import { checkJson, frozen } from './json-value.js'
import type { KeyedOutput, KeyedResult, KeyedRow, KeyStep } from './logic.js'
import type { ProcessContext, ProcessHandlers, Rows, Timer, Timers } from './process.js'
import { inTurn } from './rows.js'
import type { Cell, StateMap } from './state.js'

/** State of a key as it is stored. Empty parts are left out. */
export interface Stored {
  /** States. */
  s?: Record<string, Json>
  /** Timers by name. */
  t?: [name: string, time: number][]
  /** When states expire. */
  e?: Record<string, number>
  /** Timers that have fired since the last row of the key, while it has timers. */
  n?: number
}

/** A process function as it was declared. */
export interface Shape {
  readonly name: string
  /** How messages name an operator that is no process function of the user, such as `lag("x")`. */
  readonly what?: string
  /** What makes a state smaller that is too large. */
  readonly advice?: string
  readonly specs: readonly (readonly [field: string, spec: StateMap[string]])[]
  readonly ttls: readonly (number | undefined)[]
  readonly handlers: ProcessHandlers<any, any, any, any>
}
export interface Compiled extends Shape {
  readonly access: new (run: KeyRun) => object
  readonly limits: RunLimits
}

export const RUN_LIMITS = {
  /** Rows that one call of a handler may give, and the calls for one key in one slice together. */
  rowsOfCall: ROWS_PER_RECORD_MAX,
  rowsOfSlice: KEY_ROWS_MAX,
  stateChars: KEY_STATE_CHARS_MAX,
  timers: TIMERS_OF_KEY_MAX,
  timersFired: TIMERS_FIRED_MAX,
  timersWithoutRow: TIMERS_WITHOUT_ROW_MAX,
}
export type RunLimits = Readonly<typeof RUN_LIMITS>

export type Work = KeyedRow | Timer
export const isTimer = (work: Work): work is Timer => !('turn' in work)

/** How messages name the handler that is called. */
export const handlerOf = ({ what, name }: Shape, work: Work): string =>
  what ?? `${isTimer(work) ? 'onTimer' : 'onRow'} of "${name}"`

const RUN = Symbol('run')

/** A class whose getters open the states of a key when they are read. */
export function accessOf(fields: readonly string[]): new (run: KeyRun) => object {
  class Access {
    readonly [RUN]: KeyRun
    constructor(run: KeyRun) {
      this[RUN] = run
    }
  }
  for (const [i, field] of fields.entries())
    Object.defineProperty(Access.prototype, field, {
      get(this: Access) {
        return this[RUN].cell(i).access
      },
    })
  return Access
}

/** The rows and timers of one key in one slice, in order, and the state that they change. */
export class KeyRun implements ProcessContext<any, any>, Timers {
  readonly outputs: KeyedOutput[]
  readonly key: any
  readonly state: any
  readonly timers: Timers = this
  timestamp = 0
  now: number
  isLate = false
  private readonly shape: Compiled
  private readonly step: KeyStep
  private readonly rows: readonly KeyedRow[]
  private readonly states: Record<string, Json>
  private readonly expiries: Record<string, number>
  private readonly times: Map<string, number>
  /** The timer that fires next; null if it has to be looked for. */
  private soonest: Timer | undefined | null = null
  private readonly cells: (Cell<any> | undefined)[] = []
  private at = 0
  private fired = 0
  private firedWithoutRow: number
  private current: Work | undefined
  private readonly place = (): Place => {
    const work = this.current!
    if (!isTimer(work)) return work
    const { name } = this.shape
    return { turn: work.time, timestamp: work.time, split: name, position: work.name }
  }

  /** `before` is a run of the same step that this one continues. */
  constructor(shape: Compiled, step: KeyStep, stored: Stored | undefined, before?: KeyRun) {
    this.shape = shape
    this.step = step
    this.key = step.key
    this.rows = before?.rows ?? (step.entries === undefined ? [] : inTurn(step.entries))
    this.outputs = before?.outputs ?? []
    this.now = before?.now ?? step.start
    this.states = stored?.s ?? {}
    this.times = new Map(stored?.t)
    this.expiries = stored?.e ?? {}
    this.firedWithoutRow = stored?.n ?? 0
    this.state = new shape.access(this)
  }

  /** The same run with the state from before a row or a timer, which is left out. */
  restored(stored: Stored | undefined, without: Work): KeyRun {
    const run = new KeyRun(this.shape, this.step, stored, this)
    run.at = this.at
    run.fired = this.fired
    if (isTimer(without)) {
      run.delete(without.name)
      run.firedWithoutRow = this.firedWithoutRow
    }
    return run
  }

  /** The next row or timer, whichever comes first. At one time, rows come before timers. */
  next(): Work | undefined {
    const row = this.rows[this.at]
    const timer = this.times.size === 0 ? undefined : this.timer()
    const isFirst = timer !== undefined && (row === undefined || timer.time < row.turn)
    const work = isFirst ? timer : row
    if (work === undefined) {
      this.expire(this.step.end - 1)
      return undefined
    }
    if (work === row) this.at++
    return work
  }

  /** The timer that fires next within the slice. Timers of one time fire in the order of their names. */
  private timer(): Timer | undefined {
    if (this.soonest !== null) return this.soonest
    let found: Timer | undefined
    for (const [name, time] of this.times) {
      if (time >= this.step.end) continue
      if (found === undefined || time < found.time || (time === found.time && name < found.name)) found = { name, time }
    }
    this.soonest = found
    return found
  }

  /** Runs the handler for a row or a timer. */
  handle(work: Work): void {
    const { handlers } = this.shape
    this.current = work
    const time = isTimer(work) ? work.time : work.turn
    this.expire(time)
    this.now = Math.max(this.now, time)
    if (isTimer(work)) {
      this.checkFired()
      this.timestamp = work.time
      this.isLate = false
      this.delete(work.name)
      this.give(work, handlers.onTimer?.(this, work))
    } else {
      this.firedWithoutRow = 0
      this.timestamp = work.timestamp
      this.isLate = work.turn > work.timestamp
      this.give(work, handlers.onRow(this, frozen(work.value)))
    }
    this.current = undefined
    for (let i = 0; i < this.cells.length; i++) {
      const cell = this.cells[i]
      if (cell === undefined || !cell.isWritten) continue
      cell.isWritten = false
      const ttlMs = this.shape.ttls[i]
      if (ttlMs !== undefined) this.expiries[this.shape.specs[i]![0]] = this.now + ttlMs
    }
  }

  private checkFired(): void {
    const { limits } = this.shape
    this.fired++
    this.firedWithoutRow++
    if (this.fired > limits.timersFired)
      throw new RecordRejection(
        'too-many-timers',
        `A key may fire at most ${limits.timersFired} timers within ${this.step.end - this.step.start} ms of event time. Check that onTimer sets its timers further ahead.`,
      )
    if (this.firedWithoutRow > limits.timersWithoutRow)
      throw new RecordRejection(
        'too-many-timers',
        `A key may fire at most ${limits.timersWithoutRow} timers since its last row. Check that onTimer does not set a timer again for ever.`,
      )
  }

  private give(work: Work, rows: Rows<unknown>): void {
    const what = handlerOf(this.shape, work)
    const given: unknown = settled(what, rows)
    if (given === undefined || given === null) return
    if (typeof given !== 'object' || !(Symbol.iterator in given))
      throw new RecordRejection('bad-rows', `${what} must return an array of rows, a generator, or nothing.`)
    const { rowsOfCall, rowsOfSlice } = this.shape.limits
    const first = this.outputs.length
    for (const value of given as Iterable<unknown>) {
      if (this.outputs.length - first >= rowsOfCall || this.outputs.length >= rowsOfSlice)
        throw new RecordRejection(
          'too-many-rows',
          `${what} may return at most ${rowsOfCall} rows, and ${rowsOfSlice} for one key in one slice.`,
        )
      this.outputs.push({ value, timestamp: this.timestamp, id: this.nextId() })
    }
  }

  private nextId(): string {
    return `${this.step.end}/${this.outputs.length}`
  }

  /** The id of the next row that is given, as sinks receive it. */
  get rowId(): string {
    return `${this.shape.name}|${encodeKey(this.key)}|${this.nextId()}`
  }

  cell(i: number): Cell<any> {
    const known = this.cells[i]
    if (known !== undefined) return known
    const [field, spec] = this.shape.specs[i]!
    const stored = Object.hasOwn(this.states, field) ? this.states[field] : undefined
    const cell = spec.open(stored, this.place, this.nameOf(field))
    this.cells[i] = cell
    return cell
  }

  private nameOf(field: string): string {
    return `The state "${field}" of "${this.shape.name}"`
  }

  /** Drops the states that have expired by a time. */
  private expire(time: number): void {
    for (const field in this.expiries) {
      if (this.expiries[field]! > time) continue
      delete this.expiries[field]
      delete this.states[field]
      this.cells[this.shape.specs.findIndex(([name]) => name === field)] = undefined
    }
  }

  set(name: string, time: number | Date): void {
    const { handlers, limits } = this.shape
    if (typeof name !== 'string')
      throw new RecordRejection('bad-timer', `The name of a timer must be a string; it is ${glimpse(name)}.`)
    if (handlers.onTimer === undefined)
      throw new RecordRejection('bad-timer', `The timer "${name}" would have no effect: there is no onTimer. Add it.`)
    const ms = time instanceof Date ? time.getTime() : time
    if (typeof ms !== 'number' || !(Math.abs(ms) < EVENT_TIME_MAX))
      throw new RecordRejection(
        'bad-timer',
        `The time of the timer "${name}" must be ms since the epoch or a valid Date; it is ${glimpse(time)}.`,
      )
    if (this.times.size >= limits.timers && !this.times.has(name))
      throw new RecordRejection(
        'too-many-timers',
        `A key may have at most ${limits.timers} timers. Use fewer names, or a list of times in its state.`,
      )
    // A timer that sets itself for a time that has passed makes progress too.
    const earliest = this.current !== undefined && isTimer(this.current) ? this.now + 1 : this.now
    this.times.set(name, Math.max(Math.ceil(ms), earliest))
    this.soonest = null
  }

  delete(name: string): void {
    if (this.times.delete(name)) this.soonest = null
  }

  get(name: string): number | undefined {
    return this.times.get(name)
  }

  /**
   * What is to be stored, and when the key has work again.
   * @throws {RecordRejection} if the state is not JSON, or too large
   */
  stored(): Pick<KeyedResult, 'state' | 'due' | 'waits'> {
    const { shape, states, expiries, times } = this
    for (const [i, cell] of this.cells.entries()) {
      if (cell === undefined) continue
      const [field] = shape.specs[i]!
      const json = cell.json()
      if (json === undefined) {
        delete states[field]
        delete expiries[field]
        continue
      }
      // The others are checked when they are written; a custom fold may hold anything.
      if (shape.specs[i]![1].kind === 'aggregate') checkJson(json, this.nameOf(field))
      states[field] = json
    }
    let due: number | undefined
    let waits: number | undefined
    for (const time of times.values()) {
      if (due === undefined || time < due) due = time
      if (waits === undefined || time > waits) waits = time
    }
    for (const field in expiries) if (due === undefined || expiries[field]! < due) due = expiries[field]!
    const hasStates = hasAny(states)
    if (!hasStates && waits === undefined) return { state: undefined, due: undefined, waits: undefined }
    const kept: Stored = {
      ...(hasStates && { s: states }),
      ...(waits !== undefined && { t: [...times] }),
      ...(hasAny(expiries) && { e: expiries }),
      ...(waits !== undefined && this.firedWithoutRow > 0 && { n: this.firedWithoutRow }),
    }
    const state = JSON.stringify(kept)
    if (state.length > shape.limits.stateChars)
      throw new RecordRejection(
        'state-too-large',
        `The state of one key of ${shape.what ?? `"${shape.name}"`} may have at most ${shape.limits.stateChars} characters as JSON; after this call it would have more. ${shape.advice ?? 'Give its lists a max, or its states a ttl.'}`,
      )
    return { state, due, waits }
  }
}

function hasAny(record: Record<string, unknown>): boolean {
  for (const _ in record) return true
  return false
}
