import { ConfigError, RecordRejection, shown } from './errors.js'

/**
 * Refuses a value that is not a function, and an async function, whose promise would be taken for its result. `what`
 * begins the message.
 * @throws {ConfigError} with `code`
 */
export function checkFunction(code: string, what: string, fn: unknown): void {
  if (typeof fn !== 'function') {
    // A plain word is probably the name of a field, which other tools accept in place of a function.
    const example = typeof fn === 'string' && /^\w+$/.test(fn) ? `, such as row => row.${fn}` : ''
    throw new ConfigError(code, `${what} takes a function${example}; it got ${glimpse(fn)}.`)
  }
  if (/^Async/.test(fn.constructor?.name))
    throw new ConfigError(
      code,
      `${what} takes a synchronous function, so that a replay gives the same result; this one is async. Remove async, and do asynchronous work in a callback() sink.`,
    )
}

/** Refuses a promise by type. Steps are synchronous, so that a replay gives the same result. */
export type Sync<U> = U extends PromiseLike<unknown> ? 'A step is synchronous: it must not return a promise.' : U

const TEXT_MAX = 40

/** What a message shows of an unexpected value: the beginning of a text, a number, or the kind of value it is. */
export function glimpse(value: unknown): string {
  if (typeof value === 'string') return shown(cut(value))
  if (value instanceof Promise) return 'a promise'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : cut(shown(value))
}

const cut = (text: string): string => (text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}…`)

/**
 * Returns the result of a user function, unless it is a promise. Nothing would await the promise, and a rejection would
 * end the process.
 * @throws {RecordRejection} `step-threw` for a promise
 */
export function settled<V>(what: string, value: V): V {
  if (!(value instanceof Promise)) return value
  value.catch(() => undefined)
  throw new RecordRejection('step-threw', `${what} must be synchronous; it returned a promise. Remove async from it.`)
}
