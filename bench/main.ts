import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { table } from '../lib/dev/text.js'
import { wrapped } from '../lib/dev/wrap.js'
import { BUDGET, bundle } from '../scripts/bundle.js'
import { apart } from './apart.js'
import { type ColdFigures, cold } from './cold.js'
import { type CpuFigures, cpu } from './cpu.js'
import { dynamodbBench } from './dynamodb.js'
import { schemaNames } from './flights-variants.js'
import { type GrowthFigures, growth } from './growth.js'
import { heapBench } from './heap.js'
import { keyedBench, rowsBench } from './keyed.js'
import { latency, latencyBench } from './latency.js'
import { BATCHES, machine } from './machine.js'
import { type SpreadFigures, spread } from './spread.js'
import { store } from './store.js'
import { type TimeFigures, times } from './times.js'
import { type UnitFigures, units } from './units.js'

const WEEKS = [1, 4]
const TARGETS = {
  cpu_ratio: 1.6,
  iso_ratio: 1,
  state_units_per_event_1000: 0.02,
  requests_per_batch_1000: 3,
  units_per_spread_batch: 20,
  requests_per_spread_batch: 6,
}

/** The width of prose in documents. */
const COLUMNS = 120

/** The tasks of a child process, by name. */
const CHILDREN: Readonly<Record<string, (...args: readonly string[]) => Promise<unknown>>> = {
  cpu: (batch, schema) => cpu(Number(batch), schemaNames[Number(schema)]!),
  units: (batch) => units(Number(batch)),
  growth: (weeks) => growth(Number(weeks), 1000),
  spread: () => spread(),
  times: () => times(),
  store: (batch, name, endpoint) => store(Number(batch), name!, endpoint!),
  latency: (setting, broker, endpoint) => latency(Number(setting), broker!, endpoint!),
}

async function main(mode: 'print' | 'json' | 'write'): Promise<void> {
  const cpuFigures: CpuFigures[] = []
  for (const schema of schemaNames.keys()) cpuFigures.push(await apart('cpu', 1000, schema))
  const [plain] = cpuFigures as [CpuFigures]
  const unitFigures: UnitFigures[] = []
  for (const batch of BATCHES) unitFigures.push(await apart('units', batch))
  const growthFigures: GrowthFigures[] = []
  for (const weeks of WEEKS) growthFigures.push(await apart('growth', weeks))
  const spreadFigures: SpreadFigures[] = await apart('spread')
  const timeFigures: TimeFigures[] = await apart('times')
  const { bytes, modules } = await bundle()
  const coldFigures = await cold()
  const at1000 = unitFigures.find((figures) => figures.batch === 1000)!
  const figures = {
    cpu_ratio: round(plain.millraceUs / plain.decodeUs),
    iso_ratio: round(Math.max(...timeFigures.map(({ isoNs, parseNs }) => isoNs / parseNs))),
    state_units_per_event_1000: round(at1000.unitsPerEvent),
    requests_per_batch_1000: at1000.requestsPerQuietBatch,
    bundle_bytes: bytes,
    bundle_modules: modules,
    machine: machine(),
    cpu: cpuFigures,
    times: timeFigures,
    units: unitFigures,
    growth: growthFigures,
    spread: spreadFigures,
    cold: coldFigures,
  }
  if (mode === 'json') console.log(JSON.stringify(figures, undefined, 2))
  else if (mode === 'write') writeDocs(figures)
  else print(figures)
}

type Figures = {
  cpu_ratio: number
  iso_ratio: number
  state_units_per_event_1000: number
  requests_per_batch_1000: number
  bundle_bytes: number
  bundle_modules: number
  machine: string
  cpu: CpuFigures[]
  times: TimeFigures[]
  units: UnitFigures[]
  growth: GrowthFigures[]
  spread: SpreadFigures[]
  cold: ColdFigures[]
}

const round = (value: number): number => Math.round(value * 10_000) / 10_000
const ratio = (value: number): string => `${value.toFixed(2)}x`
const verdict = (value: number, target: number): string =>
  `${value <= target ? 'within' : 'MISSES'} the target of ${target}`

function print({
  cpu: cpuFigures,
  times: timeFigures,
  units: unitFigures,
  growth: growthFigures,
  spread: spreadFigures,
  cold: coldFigures,
  ...figures
}: Figures): void {
  const [plain] = cpuFigures as [CpuFigures]
  console.log(
    `${plain.records.toLocaleString('en-US')} flights in batches of 1,000, ${figures.machine}, memory store, one process per figure\n`,
  )
  const row = (name: string, us: number, { decodeUs, mapUs }: CpuFigures): string[] => [
    name,
    us.toFixed(2),
    ratio(us / decodeUs),
    ratio(us / mapUs),
  ]
  console.log(
    table(
      ['CPU per event', 'us', 'ratio to decode only', 'ratio to plain Map'],
      [
        row('decode only', plain.decodeUs, plain),
        row('plain Map fold', plain.mapUs, plain),
        ...cpuFigures.map((figure) =>
          row(figure.schema === 'none' ? 'Millrace' : `Millrace, ${figure.schema}`, figure.millraceUs, figure),
        ),
      ],
    ),
  )
  console.log(`\ncpu_ratio ${figures.cpu_ratio}: ${verdict(figures.cpu_ratio, TARGETS.cpu_ratio)}\n`)
  console.log(
    table(
      ['time as text', 'iso(), ns', 'Date.parse, ns', 'ratio'],
      timeFigures.map(({ form, isoNs, parseNs }) => [
        form,
        isoNs.toFixed(0),
        parseNs.toFixed(0),
        ratio(isoNs / parseNs),
      ]),
    ),
  )
  console.log(
    `\niso_ratio of the slowest form: ${figures.iso_ratio}: ${verdict(figures.iso_ratio, TARGETS.iso_ratio)}\n`,
  )
  console.log(
    table(
      [
        'batch',
        'state units/event',
        'ratio to one update/event',
        'read units/event',
        'requests/quiet batch',
        'requests/batch',
        'requests/event',
        'sink units/event',
      ],
      unitFigures.map((row) => [
        String(row.batch),
        row.unitsPerEvent.toFixed(4),
        ratio(row.unitsPerEvent),
        row.readUnitsPerEvent.toFixed(4),
        String(row.requestsPerQuietBatch),
        row.requestsPerBatch.toFixed(1),
        row.requestsPerEvent.toFixed(4),
        row.sinkUnitsPerEvent.toFixed(3),
      ]),
    ),
  )
  console.log(
    `\nstate_units_per_event_1000 ${figures.state_units_per_event_1000}: ${verdict(figures.state_units_per_event_1000, TARGETS.state_units_per_event_1000)}`,
  )
  console.log(
    `requests_per_batch_1000 ${figures.requests_per_batch_1000} (batches that close no slice): ${verdict(figures.requests_per_batch_1000, TARGETS.requests_per_batch_1000)}\n`,
  )
  console.log(
    table(
      ['weeks', 'events', 'heap MB', 'units/event first week', 'last week', 'us/event first week', 'later weeks'],
      growthFigures.map((row) => [
        String(row.weeks),
        row.records.toLocaleString('en-US'),
        row.heapMb.toFixed(1),
        row.firstUnits.toFixed(4),
        row.lastUnits.toFixed(4),
        row.firstUs.toFixed(2),
        row.lastUs.toFixed(2),
      ]),
    ),
  )
  console.log(
    "\n1,000 records over 500 keys into windows of a minute, by how far their stamps are spread (the source's bound):\n",
  )
  console.log(
    table(
      ['spread', 'key groups', 'units/quiet batch', 'requests/quiet batch', 'read units/batch'],
      spreadFigures.map((row) => [
        row.spread,
        String(row.keyGroups),
        String(row.unitsPerBatch),
        String(row.requestsPerBatch),
        String(row.readUnitsPerBatch),
      ]),
    ),
  )
  const most = (figure: 'unitsPerBatch' | 'requestsPerBatch'): number =>
    Math.max(...spreadFigures.map((row) => row[figure]))
  console.log(
    `\nmaximum: ${most('unitsPerBatch')} units: ${verdict(most('unitsPerBatch'), TARGETS.units_per_spread_batch)}; ${most('requestsPerBatch')} requests: ${verdict(most('requestsPerBatch'), TARGETS.requests_per_spread_batch)}`,
  )
  console.log(
    `\nbundle of the ingest handler without a store: ${figures.bundle_bytes} bytes of ${BUDGET.bytes} allowed, ${figures.bundle_modules} modules\n`,
  )
  console.log(
    table(
      ['cold start of ingest', 'node ms', 'import ms', 'first invocation ms'],
      coldFigures.map((row) => [row.bundle, row.nodeMs.toFixed(0), row.importMs.toFixed(0), row.firstMs.toFixed(0)]),
    ),
  )
}

/** Writes the figures into the README and docs/schemas.md, so that no number there is typed by hand. */
function writeDocs({
  cpu: cpuFigures,
  units: unitFigures,
  growth: growthFigures,
  spread: spreadFigures,
  ...figures
}: Figures): void {
  const [plain] = cpuFigures as [CpuFigures]
  const of = (us: number, { decodeUs }: CpuFigures): string => `${us.toFixed(1)} us | ${(us / decodeUs).toFixed(2)}`
  const at1000 = unitFigures.find((row) => row.batch === 1000)!
  const [week, ...weeks] = growthFigures
  const readme = [
    `Measured on ${figures.machine}, with the memory store, one pipeline per process, and ${plain.records.toLocaleString('en-US')} flights in batches of 1,000 records of one split.`,
    '',
    '| CPU per event | | ratio to decoding alone |',
    '|---|---|---|',
    `| decoding the same events, nothing else | ${of(plain.decodeUs, plain)} |`,
    `| a plain in-memory Map | ${of(plain.mapUs, plain)} |`,
    `| Millrace: ingest, state, closing windows | ${of(plain.millraceUs, plain)} |`,
    '',
    '| batch | state write units per event | requests per event | requests of a batch that closes no slice |',
    '|---|---|---|---|',
    ...unitFigures.map(
      (row) =>
        `| ${row.batch.toLocaleString('en-US')} | ${row.unitsPerEvent.toFixed(4)} | ${row.requestsPerEvent.toFixed(4)} | ${row.requestsPerQuietBatch} |`,
    ),
    '',
    '| 1,000 records with timestamps within | key groups | state write units per batch | requests |',
    '|---|---|---|---|',
    ...spreadFigures.map(
      (row) => `| ${row.spread} | ${row.keyGroups} | ${row.unitsPerBatch} | ${row.requestsPerBatch} |`,
    ),
    '',
    `One update per event would need 1 write unit and 1 request. A keyed table as the sink adds ${at1000.sinkUnitsPerEvent.toFixed(2)} units per event, one for each hourly result. ` +
      `CPU time is ${figures.cpu_ratio} times that of decoding${figures.cpu_ratio > TARGETS.cpu_ratio ? `, above our target of ${TARGETS.cpu_ratio}: besides folding, every segment is packed, stored and read back, and every result is built and passed on` : ''}. ` +
      `Memory does not grow with events (${weeks.at(-1)!.weeks} weeks of them: ${growthFigures.map((row) => `${row.heapMb.toFixed(0)} MB`).join(' after one week, ')} besides the store), and an event of the last week costs ` +
      `${weeks.at(-1)!.lastUnits.toFixed(4)} units, an event of the first week ${week!.firstUnits.toFixed(4)}. The bundle of the ingest handler without a store has ${Math.round(figures.bundle_bytes / 1024)} KB.`,
  ]
  const schemas = [
    '| schema | CPU per event | ratio to decoding alone |',
    '|---|---|---|',
    ...cpuFigures.map((figure) => `| ${figure.schema} | ${of(figure.millraceUs, figure)} |`),
  ]
  fill('README.md', readme)
  fill('docs/schemas.md', schemas)
}

function fill(file: string, given: readonly string[]): void {
  // A table's rows stay whole.
  const lines = given.flatMap((line) => (line.startsWith('|') ? [line] : wrapped(line, COLUMNS)))
  const text = readFileSync(file, 'utf8')
  const marked = /<!-- bench:start -->[\s\S]*<!-- bench:end -->/
  writeFileSync(file, text.replace(marked, `<!-- bench:start -->\n${lines.join('\n')}\n<!-- bench:end -->`))
}

const USAGE =
  'npm run bench -- [--json | --write], or with --state dynamodb, --latency, --keyed [--long], --rows or --heap [--keys N] and [--json]'

interface Given {
  readonly what: 'all' | 'dynamodb' | 'latency' | 'heap' | 'keyed' | 'rows'
  readonly isLong: boolean
  readonly keys: number
  readonly mode: 'print' | 'json' | 'write'
}

/** The parsed command line, or a sentence that states what is wrong with it. */
function read(): Given | string {
  try {
    const flag = { type: 'boolean' } as const
    const { values } = parseArgs({
      options: {
        json: flag,
        write: flag,
        latency: flag,
        heap: flag,
        keyed: flag,
        rows: flag,
        long: flag,
        keys: { type: 'string', default: '10000000' },
        state: { type: 'string', default: 'memory' },
      },
    })
    const { state, json, write, latency, heap, keyed, rows, long, keys } = values
    if (!/^[1-9]\d{0,8}$/.test(keys)) return `--keys must be a number of keys; it is ${keys}.`
    if (heap && (latency || state !== 'memory')) return '--heap has its own state in a file, and cannot be combined.'
    if (keyed && (heap || latency || state !== 'memory')) return '--keyed opens its own stores, and cannot be combined.'
    if (rows && (keyed || heap || latency || state !== 'memory'))
      return '--rows opens its own stores, and cannot be combined.'
    if (long && !keyed) return '--long belongs to --keyed.'
    if (state !== 'memory' && state !== 'dynamodb') return `--state must be memory or dynamodb; it is ${state}.`
    if (latency && state !== 'memory') return '--latency always has its state in DynamoDB: omit --state.'
    const what = rows
      ? 'rows'
      : heap
        ? 'heap'
        : keyed
          ? 'keyed'
          : latency
            ? 'latency'
            : state === 'dynamodb'
              ? 'dynamodb'
              : 'all'
    if (write && (json || what !== 'all')) return '--write cannot be combined.'
    return { what, isLong: long === true, keys: Number(keys), mode: json ? 'json' : write ? 'write' : 'print' }
  } catch (error) {
    return (error as Error).message
  }
}

const [, , flag, what, ...args] = process.argv
if (flag === '--child') {
  const figures = await CHILDREN[what!]!(...args)
  process.send!(figures, () => process.exit(0))
} else {
  const given = read()
  if (typeof given === 'string') {
    console.error(`${given.replace(/\.?$/, '.')} Usage: ${USAGE}`)
    process.exitCode = 1
  } else if (given.what === 'dynamodb') await dynamodbBench(given.mode === 'json')
  else if (given.what === 'latency') await latencyBench(given.mode === 'json')
  else if (given.what === 'heap') await heapBench(given.mode === 'json', given.keys)
  else if (given.what === 'rows') await rowsBench(given.mode === 'json')
  else if (given.what === 'keyed') await keyedBench(given.mode === 'json', given.isLong)
  else await main(given.mode)
}
