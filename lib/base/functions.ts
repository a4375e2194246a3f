import { ConfigError, RecordRejection, shown } from './errors.js'

/**
 * Refuses what is no function, and one that is async: its promise would be taken for its value. `what` begins the
 * sentence.
 * @throws {ConfigError} with `code`
 */
export function checkFunction(code: string, what: string, fn: unknown): void {
  if (typeof fn !== 'function') {
    // The name of a field, as other tools take it.
    const example = typeof fn === 'string' && /^\w+$/.test(fn) ? `, such as row => row.${fn}` : ''
    throw new ConfigError(code, `${what} takes a function${example}; it got ${glimpse(fn)}.`)
  }
  if (/^Async/.test(fn.constructor?.name))
    throw new ConfigError(
      code,
      `${what} takes a function that gives its value at once, so that a replay is the same replay; this one is async. Take async out, and send what has to wait to a callback() sink.`,
    )
}

const TEXT_MAX = 40

/**
 * What a message shows of a value that nobody expected: the beginning of a text, a number, or what kind of thing it is.
 */
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
 * What a function of the user's gave, unless it is a promise: nobody would wait for it, and one that fails would end
 * the process.
 */
export function settled<V>(what: string, value: V): V {
  if (!(value instanceof Promise)) return value
  value.catch(() => undefined)
  throw new RecordRejection(
    'step-threw',
    `${what} must give its value at once; it gave a promise. Take async out of it.`,
  )
}
