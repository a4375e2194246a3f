import { keyedCold } from './keyed-cold.js'
import { keyedCpu } from './keyed-cpu.js'
import { keyedStore } from './keyed-store.js'
import { keyedUnits } from './keyed-units.js'
import { rowsCpu } from './rows-cpu.js'

/** The tasks of a child process of the benchmark of keyed state, each with its argument. */
const TASKS = { units: keyedUnits, cold: keyedCold, cpu: keyedCpu, rows: rowsCpu, store: keyedStore }

const [task, argument] = process.argv.slice(2) as [keyof typeof TASKS, string]
const run = TASKS[task] as (argument: unknown) => Promise<unknown>
const figures = await run(JSON.parse(argument))
process.send!(figures, () => process.exit(0))
