import type { Json, Place } from '../aggregate/index.js'
import {
  KEY_ROWS_MAX,
  KEY_STATE_CHARS_MAX,
  messageOf,
  RecordRejection,
  ROWS_PER_RECORD_MAX,
  settled,
  TIMERS_FIRED_MAX,
  TIMERS_OF_KEY_MAX,
} from '../base/index.js'
import { checkJson } from './json-text.js'
import type { KeyedOutput, KeyedRejection, KeyedResult, KeyedRow, KeyStep, StepOf } from './logic.js'
import type { ProcessContext, ProcessHandlers, Rows, Timer, Timers } from './process.js'
import { inTurn } from './rows.js'
import type { Cell, StateMap } from './state.js'

/** State of a key as it is stored: states, timers by name, and when states expire. Empty parts are left out. */
interface Stored {
  s?: Record<string, Json>
  t?: [name: string, time: number][]
  e?: Record<string, number>
}

/** A process function as it was declared. */
export interface Shape {
  readonly name: string
  readonly specs: readonly (readonly [field: string, spec: StateMap[string]])[]
  readonly ttls: readonly (number | undefined)[]
  readonly handlers: ProcessHandlers<any, any, any, any>
}
interface Compiled extends Shape {
  readonly access: new (run: KeyRun) => object
}

/** The step of a process function. */
export function processStep(shape: Shape): StepOf {
  const compiled = { ...shape, access: accessOf(shape.specs.map(([field]) => field)) }
  return (step) => attempt(compiled, step, step.state()) ?? carefully(compiled, step)
}

/** Everything at once. Undefined if user code threw, or the state cannot be stored. */
function attempt(shape: Compiled, step: KeyStep, stored: Stored | undefined): KeyedResult | undefined {
  const run = new KeyRun(shape, step, stored)
  try {
    for (let work = run.next(); work !== undefined; work = run.next()) run.handle(work)
    return { ...run.stored(), outputs: run.outputs, rejected: [] }
  } catch {
    return undefined
  }
}

/** Row by row, and timer by timer, each with the state before it at hand: what throws is rejected alone. */
function carefully(shape: Compiled, step: KeyStep): KeyedResult {
  const rejected: KeyedRejection[] = []
  let run = new KeyRun(shape, step, step.state())
  for (let work = run.next(); work !== undefined; work = run.next()) {
    const before = run.stored()
    const outputs = run.outputs.length
    try {
      run.handle(work)
      run.stored()
    } catch (thrown) {
      run.outputs.length = outputs
      run = run.restored(before.state === undefined ? undefined : JSON.parse(before.state), work)
      rejected.push(rejection(shape, step, work, thrown, rejected.length))
    }
  }
  return { ...run.stored(), outputs: run.outputs, rejected }
}

type Work = KeyedRow | Timer
const isTimer = (work: Work): work is Timer => !('turn' in work)

function rejection(shape: Compiled, step: KeyStep, work: Work, thrown: unknown, n: number): KeyedRejection {
  const code = thrown instanceof RecordRejection ? thrown.code : 'step-threw'
  const detail = `${isTimer(work) ? 'onTimer' : 'onRow'} of "${shape.name}": ${messageOf(thrown)}`
  const id = `${step.end}/rejected/${n}`
  return isTimer(work)
    ? {
        reason: code,
        detail,
        split: shape.name,
        position: String(work.time),
        timestamp: work.time,
        payload: { timer: work.name, time: work.time },
        id,
      }
    : {
        reason: code,
        detail,
        split: work.split,
        position: work.position,
        timestamp: work.timestamp,
        payload: work.value,
        id,
      }
}

/** A class whose getters open the states of a key when they are read. */
function accessOf(fields: readonly string[]): new (run: KeyRun) => object {
  class Access {
    readonly run: KeyRun
    constructor(run: KeyRun) {
      this.run = run
    }
  }
  for (const [i, field] of fields.entries())
    Object.defineProperty(Access.prototype, field, {
      get(this: Access) {
        return this.run.cell(i).access
      },
    })
  return Access
}

/** The rows and timers of one key in one slice, in order, and the state that they change. */
class KeyRun implements ProcessContext<any, any>, Timers {
  readonly outputs: KeyedOutput[] = []
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
  private current: Work | undefined
  private readonly place = (): Place => {
    const work = this.current!
    if (!isTimer(work)) return work
    const { name } = this.shape
    return { turn: work.time, timestamp: work.time, split: name, position: work.name }
  }

  constructor(shape: Compiled, step: KeyStep, stored: Stored | undefined) {
    this.shape = shape
    this.step = step
    this.key = step.key
    this.rows = step.entries === undefined ? [] : inTurn(step.entries)
    this.now = step.start
    this.states = stored?.s ?? {}
    this.times = new Map(stored?.t)
    this.expiries = stored?.e ?? {}
    this.state = new shape.access(this)
  }

  /** The same run with the state from before a row or a timer, which is left out. */
  restored(stored: Stored | undefined, without: Work): KeyRun {
    const run = new KeyRun(this.shape, this.step, stored)
    run.at = this.at
    run.now = this.now
    run.fired = this.fired
    run.outputs.push(...this.outputs)
    if (isTimer(without)) run.delete(without.name)
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
    const { handlers, name } = this.shape
    this.current = work
    const time = isTimer(work) ? work.time : work.turn
    this.expire(time)
    this.now = Math.max(this.now, time)
    if (isTimer(work)) {
      if (++this.fired > TIMERS_FIRED_MAX)
        throw new RecordRejection(
          'too-many-timers',
          `A key may fire at most ${TIMERS_FIRED_MAX} timers within ${this.step.end - this.step.start} ms of event time. Check that onTimer sets its timers further ahead.`,
        )
      this.timestamp = work.time
      this.isLate = false
      this.delete(work.name)
      this.give(`onTimer of "${name}"`, handlers.onTimer?.(this, work))
    } else {
      this.timestamp = work.timestamp
      this.isLate = work.turn > work.timestamp
      this.give(`onRow of "${name}"`, handlers.onRow(this, work.value))
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

  private give(what: string, rows: Rows<unknown>): void {
    const given: unknown = settled(what, rows)
    if (given === undefined || given === null) return
    if (typeof given !== 'object' || !(Symbol.iterator in given))
      throw new RecordRejection('bad-rows', `${what} must return an array of rows, a generator, or nothing.`)
    const first = this.outputs.length
    for (const value of given as Iterable<unknown>) {
      if (this.outputs.length - first >= ROWS_PER_RECORD_MAX || this.outputs.length >= KEY_ROWS_MAX)
        throw new RecordRejection(
          'too-many-rows',
          `${what} may return at most ${ROWS_PER_RECORD_MAX} rows, and ${KEY_ROWS_MAX} for one key in one slice.`,
        )
      this.outputs.push({ value, timestamp: this.timestamp, id: `${this.step.end}/${this.outputs.length}` })
    }
  }

  cell(i: number): Cell<any> {
    const known = this.cells[i]
    if (known !== undefined) return known
    const [field, spec] = this.shape.specs[i]!
    const cell = spec.open(this.states[field], this.place)
    this.cells[i] = cell
    return cell
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
    const ms = typeof time === 'number' ? time : time.getTime()
    if (!Number.isFinite(ms))
      throw new RecordRejection(
        'bad-timer',
        `The time of the timer "${name}" must be ms since the epoch or a Date; it is ${ms}.`,
      )
    if (this.times.size >= TIMERS_OF_KEY_MAX && !this.times.has(name))
      throw new RecordRejection(
        'too-many-timers',
        `A key may have at most ${TIMERS_OF_KEY_MAX} timers. Use fewer names, or a list of times in its state.`,
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
      checkJson(json, `The state "${field}" of "${shape.name}"`)
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
    }
    const state = JSON.stringify(kept)
    if (state.length > KEY_STATE_CHARS_MAX)
      throw new RecordRejection(
        'state-too-large',
        `The state of one key of "${shape.name}" may have at most ${KEY_STATE_CHARS_MAX} characters as JSON; with this row it would have more. Give its lists a max, or its states a ttl.`,
      )
    return { state, due, waits }
  }
}

function hasAny(record: Record<string, unknown>): boolean {
  for (const _ in record) return true
  return false
}
