export { hex, textOf } from './bytes.js'
export { digest } from './digest.js'
export { docsUrl } from './docs.js'
export { type Duration, duration, formatDuration, milliseconds, signedMilliseconds } from './duration.js'
export {
  AssertionFault,
  assert,
  ConfigError,
  EventShapeError,
  MillraceError,
  messageOf,
  named,
  RecordRejection,
  RetryableError,
  reasonOf,
  StopError,
  shown,
} from './errors.js'
export { checkFunction, glimpse, type Sync, settled } from './functions.js'
export { checksum, hash32, hex8 } from './hash.js'
export { rowJson } from './json.js'
export { decodeKey, encodeKey, type Key, type KeyPart } from './key.js'
export * from './limits.js'
export { checkName, runPrefix } from './name.js'
export { checkOptions, nearest, type OptionNames } from './options.js'
export { compareBytes, EVENT_TIME_MAX, SORTABLE_LENGTH, sortable, TIME_MAX, TIME_MIN, unsortable } from './sortable.js'
export { together } from './together.js'
export { RecordValues } from './values.js'
