import { randomUUID } from 'node:crypto'
import type { Clock, Ids } from '../ports/index.js'

/** The machine's clock: the only place that reads it, so that everything else can be run under another. */
export const systemClock: Clock = { now: () => Date.now() }

/** Random ids; never part of a result. */
export const randomIds: Ids = { next: () => randomUUID() }
