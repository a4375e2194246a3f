export {
  Calendar,
  type CalendarOptions,
  type CalendarSpec,
  type CalendarUnit,
  calendar,
  describeCalendar,
} from './calendar.js'
export { describeSession, type SessionSpec, session } from './session.js'
export { gridMs, type Interval, roundDownMs, Slices, sliceMs, type WindowStanding } from './slices.js'
export { cumulate, describeWindow, gcd, hopping, tumbling, type WindowSpec } from './window.js'
