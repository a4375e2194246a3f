import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { progressPrinter } from '../../lib/dev/cli/progress.js'
import { staleText } from '../../lib/dev/cli/run-arguments.js'
import { wholeNumber } from '../../lib/dev/cli/run-command.js'
import { run, summaryText } from '../../lib/dev/index.js'
import { bold } from '../../lib/dev/text.js'
import { columnsOf, fitText } from '../../lib/dev/wrap.js'
import { picture } from './picture.js'
import flights from './pipeline.js'

// `npm start` runs the example as `millrace run` would, and then prints the week as a picture.
function flags() {
  return parseArgs({
    options: {
      fresh: { type: 'boolean', default: false },
      chaos: { type: 'string' },
      batch: { type: 'string', default: '1000' },
      directory: { type: 'string', default: '.millrace/flights' },
    },
  }).values
}

const data = (name: string): string => fileURLToPath(new URL(`data/${name}.ndjson.gz`, import.meta.url))
const code = fileURLToPath(new URL('pipeline.ts', import.meta.url))
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
const progress = progressPrinter(process.stderr, () => performance.now())
console.log(
  fitText(
    '113,493 flights of the first week of 2001, from a Kinesis stream (origins A to L) and a Kafka topic (M to Z), four splits each',
    columnsOf(),
  ),
)
try {
  const values = flags()
  const summary = await run(flights, {
    inputs: { 'departures-a-l': [data('departures-a-l')], 'departures-m-z': [data('departures-m-z')] },
    splits: 4,
    batch: wholeNumber('--batch', values.batch),
    state: `lmdb:${values.directory}/state`,
    out: `${values.directory}/out`,
    fresh: values.fresh,
    code,
    onStale: (stale) => console.log(bold(staleText(code, stale, 'npm start -- --fresh'))),
    signal: stop.signal,
    onProgress: (state) => progress.show(state),
    chaos: wholeNumber('--chaos', values.chaos),
  })
  progress.end()
  if (summary.alreadyComplete)
    console.log('These are the results of an earlier run. To start over: npm start -- --fresh')
  console.log(`\n${picture(summary.sinks.find((sink) => sink.name === 'hourly')!.file)}\n`)
  console.log(fitText(summaryText(summary), columnsOf()))
  process.exitCode = summary.complete ? 0 : 130
} catch (error) {
  progress.end()
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
