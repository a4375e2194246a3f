import { fileSink } from '../../lib/sinks/file/adapter.js'
import { attempts } from './schedules.js'

/**
 * Another process on the folder. It writes everything from the start, as a process does after a crash, and reports when
 * it has begun.
 */
const [folder, seed] = process.argv.slice(2)
const sink = await fileSink(folder!)
console.log('ready')
for (const batches of attempts(Number(seed))) await sink.write(batches)
console.log('done')
