/**
 * Root of every error that Millrace throws on purpose. `code` is stable; the message states the rule, the value and the
 * fix.
 */
export class MillraceError extends Error {
  // Written out in each class: a bundler shortens the names of classes, and logs and alarms go by these.
  override readonly name: string = 'MillraceError'
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A pipeline, a flag or a binding that cannot work. Nothing has been read or written. */
export class ConfigError extends MillraceError {
  override readonly name = 'ConfigError'
}

/** An event that no source of the pipeline knows, or that lacks what its kind must have. Nothing is committed. */
export class EventShapeError extends MillraceError {
  override readonly name = 'EventShapeError'
  constructor(message: string) {
    super('event-shape', message)
  }
}

/** The batch is to be delivered again from some record on: throttling, a timeout, an unknown outcome. */
export class RetryableError extends MillraceError {
  override readonly name = 'RetryableError'
}

/** A split or an operator must not go on by itself: data was lost, state is damaged, or the graph changed. */
export class StopError extends MillraceError {
  override readonly name = 'StopError'
}

/** A record that cannot be counted. It goes to the dead letter with `reason`, and its split goes on (invariant 14). */
export class RecordRejection extends MillraceError {
  override readonly name = 'RecordRejection'
  constructor(reason: string, detail: string) {
    super(reason, detail)
  }
}

/** A fault of Millrace's own code: an invariant does not hold. */
export class AssertionFault extends MillraceError {
  override readonly name = 'AssertionFault'
  constructor(message: string) {
    super(
      'assertion',
      `Invariant broken: ${message}. This is a defect of Millrace; please report it: https://github.com/millrace/millrace/issues`,
    )
  }
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFault(message)
}

/** A value as a message shows it: JSON where there is some, else its own text. Never throws. */
export function shown(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'bigint') return `${value}n`
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return 'an object that is no JSON'
  }
}

/**
 * The message of anything thrown, for logs and rejections. Never throws: user code may throw a value of a record, which
 * need not have a text.
 */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown)
  } catch {
    return 'an object that is no text was thrown'
  }
}
