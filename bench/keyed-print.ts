import { STORE_GET_MAX } from '../lib/base/index.js'
import { table } from '../lib/dev/text.js'
import type { AllKeyedFigures } from './keyed.js'
import { LATENCY_MS } from './keyed-cold.js'
import type { KeyedFigures } from './keyed-units.js'

/** One conditional update for each touched key would take a write unit. */
const TARGETS = { units_per_touch: 1.1, read_units_per_touch: 0.5, cold_requests_more: 2 }

const count = (value: number): string => Math.round(value).toLocaleString('en-US')
const times = (value: number): string => `${value.toFixed(1)}x`
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(0)} %`

export function printKeyed({ machine, sizes, limits, cold, cpu, rows, stores }: AllKeyedFigures): void {
  console.log(
    `Keyed state on ${machine}, memory store, one process per figure. A touched key is one that has rows in a slice.\n`,
  )
  console.log(
    table(
      [
        'pattern',
        'keys',
        'touches',
        'folds',
        'write units/touch',
        'blocks',
        'slots',
        'cursor',
        'read units/touch',
        'requests/touch',
        'CPU, JSON.parse = 1',
      ],
      sizes.map((row) => [
        row.pattern,
        count(row.keys),
        count(row.touches),
        String(row.folds),
        ...[row.unitsPerTouch, row.blockUnits, row.slotUnits, row.cursorUnits, row.readUnitsPerTouch].map((n) =>
          n.toFixed(3),
        ),
        row.requestsPerTouch.toFixed(3),
        row.cpuRatio.toFixed(0),
      ]),
    ),
  )
  console.log('')
  gate('units_per_touch', Math.max(...sizes.map((row) => row.unitsPerTouch)), TARGETS.units_per_touch)
  gate('read_units_per_touch', Math.max(...sizes.map((row) => row.readUnitsPerTouch)), TARGETS.read_units_per_touch)
  for (const pattern of new Set(limits.map((row) => row.pattern)))
    printLimits(limits.filter((row) => row.pattern === pattern))
  console.log('\nA slice of about 1,000 keys, of a key group that the container has never seen:\n')
  console.log(
    table(
      [
        'state, MB',
        'keys',
        'requests',
        'for blocks',
        'read units',
        'CPU ms',
        `ms at ${LATENCY_MS} ms a request`,
        'requests in a row',
      ],
      cold.map((row) => [
        (row.stateBytes / 1e6).toFixed(0),
        count(row.keys),
        ...[row.requests, row.blockRequests, row.readUnits, row.cpuMs, row.elapsedMs, row.rounds].map(count),
      ]),
    ),
  )
  console.log('')
  // A request reads 100 blocks, and a touched key is in one block, whatever the size of the state.
  const more = cold.map((row) => row.blockRequests - Math.ceil(row.touches / STORE_GET_MAX))
  gate('cold_requests_more', Math.max(...more), TARGETS.cold_requests_more)
  console.log('\nCPU of an event from its payload to the sink, in batches of 1,000 events of one slice:\n')
  console.log(
    table(
      [
        'keys/slice',
        'decode only us',
        'plain Map us',
        'window us',
        'process us',
        'process/Map',
        'window/Map',
        'process/window',
      ],
      cpu.map((row) => [
        count(row.keysPerSlice),
        ...[row.decodeUs, row.mapUs, row.windowUs, row.processUs].map((us) => us.toFixed(2)),
        times(row.processUs / row.mapUs),
        times(row.windowUs / row.mapUs),
        times(row.processUs / row.windowUs),
      ]),
    ),
  )
  printRows(rows)
  console.log('\nWhat folds into blocks take, sparse, with the state in each store:\n')
  console.log(
    table(
      [
        'store',
        'keys',
        'requests/1,000 touches',
        'updates of blocks',
        'folds: CPU',
        'folds: time',
        'CPU us/touch',
        'time us/touch',
      ],
      stores.map((row) => [
        row.store,
        count(row.keys),
        count((1_000 * row.requests) / row.touches),
        percent(row.blockWrites, row.requests),
        percent(row.foldCpuMs, row.cpuMs),
        percent(row.foldElapsedMs, row.elapsedMs),
        count((1_000 * row.cpuMs) / row.touches),
        count((1_000 * row.elapsedMs) / row.touches),
      ]),
    ),
  )
  for (const { batched } of stores) {
    if (batched === undefined) continue
    const { blocks, singleCpuUs, singleElapsedUs, batchedCpuUs, batchedElapsedUs } = batched
    console.log(
      `\n${count(blocks)} blocks updated, 16 at once: ${count(singleCpuUs)} us CPU and ${count(singleElapsedUs)} us a block; by PartiQL, 25 a request: ${count(batchedCpuUs)} us CPU and ${count(batchedElapsedUs)} us a block`,
    )
  }
}

export function printRows(rows: AllKeyedFigures['rows']): void {
  console.log('\nOperators over rows: CPU of an event from its payload to the sink, 100 keys, batches of one slice:\n')
  console.log(
    table(
      ['operator', 'plain Map us', 'millrace us', 'millrace/Map'],
      rows.map(({ operator, plainUs, millraceUs }) => [
        operator,
        plainUs.toFixed(2),
        millraceUs.toFixed(2),
        times(millraceUs / plainUs),
      ]),
    ),
  )
}

function printLimits(rows: readonly KeyedFigures[]): void {
  const [{ pattern, keys }] = rows as [KeyedFigures]
  const blocks = [...new Set(rows.map((row) => row.blockBytes!))]
  const tails = [...new Set(rows.map((row) => row.tailBytes!))]
  console.log(`\n${pattern}, ${count(keys)} keys: write units/touch, read units/touch, CPU (JSON.parse = 1)\n`)
  console.log(
    table(
      ['block bytes', ...tails.map((tail) => (tail === 0 ? 'no tail' : `tail ${tail / 1024} KB`))],
      blocks.map((block) => [
        count(block),
        ...tails.map((tail) => {
          const row = rows.find(({ blockBytes, tailBytes }) => blockBytes === block && tailBytes === tail)!
          return `${row.unitsPerTouch.toFixed(3)} ${row.readUnitsPerTouch.toFixed(3)} ${row.cpuRatio.toFixed(0)}`
        }),
      ]),
    ),
  )
}

/** A count that misses its target fails the benchmark. */
function gate(name: string, value: number, target: number): void {
  const isWithin = value <= target
  console.log(`${name}, at most ${value.toFixed(3)}: ${isWithin ? 'within' : 'MISSES'} the target of ${target}`)
  if (!isWithin) process.exitCode = 1
}
