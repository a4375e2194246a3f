import { randomUUID } from 'node:crypto'
import type { Clock, Ids } from '../ports/index.js'

/** The machine's clock. Only this object reads it, so that everything else can run with another clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** Random ids, which are never part of a result. */
export const randomIds: Ids = { next: () => randomUUID() }
