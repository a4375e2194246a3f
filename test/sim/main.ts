import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { FAULT_NAMES, type Fault } from '../../lib/testing/sim/faults.js'
import { START_MS } from '../../lib/testing/sim/world-options.js'
import { minimise } from './minimise.js'
import { addRun, addTotals, noTotals, report, type Totals } from './report.js'
import { type RunOptions, run } from './run.js'
import { SPECS } from './specs.js'

/**
 * `npm run sim -- --seeds N [--from S] [--jobs J] [--pipeline NAME]` runs seeds; `-- --replay SEED [--pipeline NAME]`
 * makes a failing one small and prints what happened in it.
 */

const HELP = `npm run sim -- --seeds N [--from S] [--jobs J] [--pipeline NAME] [--faults KIND,...]
npm run sim -- --replay SEED [--pipeline NAME] [--faults KIND,...] [--whole]

  --seeds N        how many seeds to run, from --from (default 1) on; default 300
  --jobs J         processes; default 1
  --pipeline NAME  random (the default), ${Object.keys(SPECS).join(', ')}
  --faults KINDS   only these kinds of faults may happen; none for none
  --replay SEED    runs one seed; where it fails, makes it small, and prints what happened
  --whole          prints all of the seed's run, not made small
`
const PROGRESS_MS = 2_000

const options = {
  seeds: { type: 'string', default: '300' },
  from: { type: 'string', default: '1' },
  jobs: { type: 'string', default: '1' },
  pipeline: { type: 'string', default: 'random' },
  faults: { type: 'string' },
  replay: { type: 'string' },
  whole: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

function flagsOf() {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    process.exit(2)
  }
}

function wholeNumber(name: string, value: string, least: number): number {
  const n = Number(value)
  if (Number.isSafeInteger(n) && n >= least) return n
  process.stderr.write(`--${name} is a whole number from ${least}; it is ${value}.\n`)
  process.exit(2)
}

function kindsOf(given: string | undefined): readonly Fault[] | undefined {
  if (given === undefined) return undefined
  if (given === 'none') return []
  const kinds = given.split(',')
  const wrong = kinds.find((kind) => !FAULT_NAMES.includes(kind as Fault))
  if (wrong === undefined) return kinds as Fault[]
  process.stderr.write(`--faults takes kinds of faults; "${wrong}" is none. They are: ${FAULT_NAMES.join(', ')}\n`)
  process.exit(2)
}

async function seeds(
  from: number,
  count: number,
  base: Omit<RunOptions, 'seed'>,
  onProgress: (totals: Totals) => void,
) {
  let totals = noTotals()
  let told = performance.now()
  for (let seed = from; seed < from + count; seed++) {
    addRun(totals, await run({ ...base, seed }))
    if (performance.now() - told > PROGRESS_MS) {
      onProgress(totals)
      totals = noTotals()
      told = performance.now()
    }
  }
  onProgress(totals)
}

/** Shares the seeds among processes. */
async function many(
  from: number,
  count: number,
  jobs: number,
  args: readonly string[],
  onProgress: (totals: Totals) => void,
) {
  const share = Math.ceil(count / jobs)
  const workers = Array.from({ length: jobs }, (_, job) => {
    const first = from + job * share
    const mine = Math.min(share, from + count - first)
    if (mine <= 0) return Promise.resolve(0)
    const worker = fork(fileURLToPath(import.meta.url), ['--seeds', String(mine), '--from', String(first), ...args], {
      env: { ...process.env, SIM_WORKER: '1' },
    })
    worker.on('message', (totals) => onProgress(totals as Totals))
    return new Promise<number>((resolve) => worker.on('exit', (code) => resolve(code ?? 1)))
  })
  for (const code of await Promise.all(workers))
    if (code !== 0) throw new Error('A process of the simulation has died.')
}

async function replay(seed: number, base: Omit<RunOptions, 'seed'>, isWhole: boolean): Promise<number> {
  const first = await run({ ...base, seed })
  const failed = first.faults.length > 0
  process.stdout.write(
    `seed ${seed}: ${failed ? 'FAILS' : 'sound'}, ${first.outcome.steps} steps, trace ${first.outcome.hash.toString(16)}\n`,
  )
  if (!failed && !isWhole) return 0
  const small = failed && !isWhole ? await minimise({ ...base, seed }) : { options: { ...base, seed }, runs: 0 }
  const events: string[] = []
  const result = await run({
    ...small.options,
    onEvent: (event, now) => events.push(`${((now - START_MS) / 1000).toFixed(3).padStart(12)}  ${event}`),
  })
  if (small.runs > 0) process.stdout.write(`made small in ${small.runs} runs\n`)
  process.stdout.write(`\npipeline: ${JSON.stringify(result.spec)}\n`)
  process.stdout.write(
    `faults:   ${[...result.swarm.counts].map(([kind, n]) => `${n} ${kind}`).join(', ') || 'none'}\n\n`,
  )
  for (const log of result.outcome.logs)
    process.stdout.write(
      `${log.name}: ${log.records.map(({ offset, arrivalMs, label }) => `${offset}@${arrivalMs} ${JSON.stringify(label)}`).join('  ')}\n`,
    )
  process.stdout.write(`\n   seconds  what happens\n${events.join('\n')}\n\n${result.faults.join('\n')}\n`)
  return failed ? 1 : 0
}

async function main(): Promise<number> {
  const flags = flagsOf()
  if (flags.help) {
    process.stdout.write(HELP)
    return 0
  }
  const { pipeline } = flags
  if (pipeline !== 'random' && SPECS[pipeline] === undefined) {
    process.stderr.write(`There is no pipeline "${pipeline}"; there are: random, ${Object.keys(SPECS).join(', ')}.\n`)
    return 2
  }
  const kinds = kindsOf(flags.faults)
  const base = { pipeline, ...(kinds && { kinds }) }
  if (flags.replay !== undefined) return await replay(wholeNumber('replay', flags.replay, 0), base, flags.whole)
  // Faults throw by the thousand, and a replay shows where.
  Error.stackTraceLimit = 0
  const count = wholeNumber('seeds', flags.seeds, 1)
  const from = wholeNumber('from', flags.from, 0)
  const jobs = wholeNumber('jobs', flags.jobs, 1)
  if (process.env.SIM_WORKER === '1') {
    await seeds(from, count, base, (totals) => process.send!(totals))
    process.disconnect()
    return 0
  }
  const totals = noTotals()
  const started = performance.now()
  const onProgress = (more: Totals): void => {
    addTotals(totals, more)
    for (const { seed, faults } of more.failures) process.stderr.write(`\rseed ${seed} FAILS: ${faults[0]}\n`)
    const seconds = (performance.now() - started) / 1000
    process.stderr.write(
      `\r${totals.runs} of ${count} seeds, ${(totals.runs / seconds).toFixed(0)} a second, ${totals.failures.length} failing  `,
    )
  }
  const args = ['--pipeline', pipeline, ...(flags.faults === undefined ? [] : ['--faults', flags.faults])]
  if (jobs === 1) await seeds(from, count, base, onProgress)
  else await many(from, count, jobs, args, onProgress)
  process.stderr.write('\n')
  process.stdout.write(`${report(totals)}\n`)
  const seconds = (performance.now() - started) / 1000
  process.stdout.write(
    `${(totals.runs / seconds).toFixed(0)} runs a second, ${jobs} ${jobs === 1 ? 'process' : 'processes'}\n`,
  )
  for (const { seed, faults } of totals.failures.slice(0, 10)) {
    process.stdout.write(`seed ${seed} FAILS: ${faults[0]}\n`)
    process.stdout.write(`  npm run sim -- --replay ${seed} ${args.join(' ')}\n`)
  }
  return totals.failures.length === 0 ? 0 : 1
}

process.exitCode = await main()
