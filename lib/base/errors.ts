/**
 * Base class of every error that Millrace throws on purpose. `code` is stable. The message states the rule, the value
 * and the fix.
 */
export class MillraceError extends Error {
  // Set explicitly in each class: a bundler shortens class names, and logs and alarms use these names.
  override readonly name: string = 'MillraceError'
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A pipeline, a flag or a binding is not valid. Nothing has been read or written. */
export class ConfigError extends MillraceError {
  override readonly name = 'ConfigError'
}

/**
 * An event that belongs to no source of the pipeline, or that lacks a field that its kind requires. Nothing is
 * committed.
 */
export class EventShapeError extends MillraceError {
  override readonly name = 'EventShapeError'
  constructor(message: string) {
    super('event-shape', message)
  }
}

/**
 * The batch must be delivered again, from some record on: requests were throttled, timed out, or have an unknown
 * outcome.
 */
export class RetryableError extends MillraceError {
  override readonly name = 'RetryableError'
}

/** A split or an operator must not continue by itself: data was lost, state is damaged, or the graph changed. */
export class StopError extends MillraceError {
  override readonly name = 'StopError'
}

/**
 * A record that cannot be counted. It goes to the dead letter with `reason`, and its split continues (invariant 14).
 */
export class RecordRejection extends MillraceError {
  override readonly name = 'RecordRejection'
  constructor(reason: string, detail: string) {
    super(reason, detail)
  }
}

/** A defect in Millrace itself: an invariant does not hold. */
export class AssertionFault extends MillraceError {
  override readonly name = 'AssertionFault'
  constructor(message: string) {
    super(
      'assertion',
      `Invariant broken: ${message}. This is a defect in Millrace. Please report it: https://github.com/millrace/millrace/issues`,
    )
  }
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFault(message)
}

/** A value as a message shows it: as JSON if possible, otherwise as its own text. Never throws. */
export function shown(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'bigint') return `${value}n`
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return 'an object that JSON cannot represent'
  }
}

/**
 * The message of anything thrown, for logs and rejections. Never throws, even if the thrown value cannot be converted
 * to text: user code may throw any value, such as a part of a record.
 */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown)
  } catch {
    return 'an object that cannot be converted to text was thrown'
  }
}

/** The reason of a dead letter for what user code threw. */
export const reasonOf = (thrown: unknown): string => (thrown instanceof RecordRejection ? thrown.code : 'step-threw')

/** Adds to an error from user code where it was thrown: `what` begins the detail of the dead letter. */
export function named(what: string, thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError && !(thrown instanceof RecordRejection)) return thrown
  return new RecordRejection(reasonOf(thrown), `${what}: ${messageOf(thrown)}`)
}
