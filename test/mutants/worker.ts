import { parseArgs } from 'node:util'
import type { Fault } from '../../lib/testing/sim/faults.js'
import { CORE, coreLogs, everyPoint, WHOLE, wholeLogs } from '../sim/crash-points.js'
import { run } from '../sim/run.js'

/** Runs until something fails, in a build that lacks a guard. Prints what failed as JSON, or null. */
const { values: flags } = parseArgs({
  options: {
    pipeline: { type: 'string' },
    faults: { type: 'string' },
    near: { type: 'string', default: '500' },
    seeds: { type: 'string', default: '2000' },
  },
})

interface Found {
  readonly where: string
  readonly what: string
}

async function seeds(count: number, pipeline: string, kinds: readonly Fault[] | undefined): Promise<Found | undefined> {
  for (let seed = 1; seed <= count; seed++) {
    const { faults } = await run({ seed, pipeline, ...(kinds && { kinds }), world: { stepsMax: 20_000 } })
    if (faults.length > 0) {
      const only = kinds === undefined ? '' : ` --faults ${kinds.join()}`
      return { where: `seed ${seed} --pipeline ${pipeline}${only}`, what: faults[0]! }
    }
  }
  return undefined
}

async function crashes(): Promise<Found | undefined> {
  for (const [name, spec, logs] of [
    ['core', CORE, coreLogs()],
    ['whole', WHOLE, wholeLogs()],
  ] as const) {
    const { failures } = await everyPoint(spec, logs)
    if (failures.length > 0) return { where: `crash point, ${name} run`, what: failures[0]! }
  }
  return undefined
}

async function search(): Promise<Found | undefined> {
  const kinds = flags.faults?.split(',') as readonly Fault[] | undefined
  const isNear = kinds !== undefined || flags.pipeline !== undefined
  // Membership is met where splits come and go.
  const isRestless = flags.pipeline === undefined && kinds?.includes('idle') === true
  const restless = isRestless ? await seeds(2 * Number(flags.near), 'restless', kinds) : undefined
  if (restless !== undefined) return restless
  const near = isNear ? await seeds(Number(flags.near), flags.pipeline ?? 'random', kinds) : undefined
  return near ?? (await seeds(Number(flags.seeds), 'random', undefined)) ?? (await crashes())
}

// What a mutant leaves behind, nobody waits for.
process.on('unhandledRejection', () => undefined)
process.stdout.write(`${JSON.stringify((await search()) ?? null)}\n`)
process.exit(0)
