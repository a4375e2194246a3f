import type { Bindings } from '../lib/handlers/index.js'
import { sources } from './sources.js'
import { state } from './state.js'

/** Everything outside that the functions need. Opened as the module loads: Lambda's init phase has more CPU than the first invocation. */
export const bindings: Bindings = { state: await state(), ...sources() }
