import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildWithout } from './build.js'
import { GUARDS, type Guard } from './guards.js'

/**
 * `npm run mutants [-- --only NAME,...] [--jobs J] [--seeds N]`: takes out one guard of the runtime at a time, and
 * shows who notices. A guard that nobody misses fails the command, and so does an optimization without which something
 * breaks.
 */
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    seeds: { type: 'string', default: '2000' },
  },
})

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** A build that lacks a guard may run for ever; then that is what was noticed. */
const TIMEOUT_MS = 600_000
const COURTESY_SEEDS = 300

interface Verdict {
  readonly guard: Guard
  readonly isFine: boolean
  readonly what: string
}

function command(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; late: boolean }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: ROOT, env: { ...process.env, ...env }, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout) => resolve({ code: error === null ? 0 : 1, out: stdout, late: error?.killed === true }),
    )
  })
}

async function simulate(guard: Guard, folder: string): Promise<Verdict> {
  // Beside the packages that it imports.
  const bundle = join(folder, `${guard.name}.mjs`)
  await buildWithout(guard, bundle)
  const isCourtesy = guard.by === 'nobody'
  const near = [
    ...(guard.pipeline === undefined ? [] : ['--pipeline', guard.pipeline]),
    ...(guard.faults === undefined ? [] : ['--faults', guard.faults]),
  ]
  const { code, out, late } = await command([
    bundle,
    ...near,
    '--seeds',
    isCourtesy ? String(COURTESY_SEEDS) : flags.seeds,
  ])
  if (late) return { guard, isFine: !isCourtesy, what: `it never comes to an end (${TIMEOUT_MS / 60_000} minutes)` }
  if (code !== 0) return { guard, isFine: false, what: 'the build without it does not run' }
  const found = JSON.parse(out.trim().split('\n').at(-1)!) as { where: string; what: string } | null
  if (isCourtesy)
    return {
      guard,
      isFine: found === null,
      what:
        found === null
          ? `nothing, as it should be (${COURTESY_SEEDS} seeds, every crash point)`
          : `${found.where}: ${found.what}`,
    }
  return { guard, isFine: found !== null, what: found === null ? 'nobody' : `${found.where}: ${found.what}` }
}

async function test(guard: Guard): Promise<Verdict> {
  const { code, out } = await command(
    ['node_modules/vitest/vitest.mjs', 'run', guard.by!, '--bail=1', '--reporter=json'],
    {
      WITHOUT_GUARD: guard.name,
      LONG: '1',
    },
  )
  const [failed] = failedTests(out)
  return {
    guard,
    isFine: code !== 0 && failed !== undefined,
    what: failed === undefined ? 'nobody' : `${guard.by}: ${failed}`,
  }
}

function failedTests(json: string): string[] {
  try {
    const { testResults } = JSON.parse(json.slice(json.indexOf('{"')))
    return testResults.flatMap((file: any) =>
      file.assertionResults.filter((one: any) => one.status === 'failed').map((one: any) => one.fullName),
    )
  } catch {
    return []
  }
}

async function main(): Promise<number> {
  const only = flags.only?.split(',')
  const unknown = only?.find((name) => !GUARDS.some((guard) => guard.name === name))
  if (unknown !== undefined) {
    process.stderr.write(`There is no guard "${unknown}"; they are: ${GUARDS.map(({ name }) => name).join(', ')}\n`)
    return 2
  }
  const folder = mkdtempSync(join(ROOT, 'node_modules', '.mutants-'))
  const waiting = GUARDS.filter(({ name }) => only === undefined || only.includes(name))
  const verdicts: Verdict[] = []
  const work = async (): Promise<void> => {
    for (let guard = waiting.shift(); guard !== undefined; guard = waiting.shift()) {
      const verdict = guard.by?.startsWith('test/') === true ? await test(guard) : await simulate(guard, folder)
      verdicts.push(verdict)
      process.stdout.write(
        `${verdict.isFine ? (guard.by === 'nobody' ? 'spared' : 'killed') : 'SURVIVES'}  ${guard.name} (invariant ${guard.invariant}, lib/${guard.file}.ts)\n    ${verdict.what.slice(0, 300)}\n`,
      )
    }
  }
  try {
    await Promise.all(Array.from({ length: Number(flags.jobs) }, work))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const fine = verdicts.filter(({ isFine }) => isFine)
  const optimizations = fine.filter(({ guard }) => guard.by === 'nobody').length
  process.stdout.write(
    `\n${fine.length - optimizations} guards: each is missed when it is gone. ${optimizations} optimizations: correctness does not depend on them. ${verdicts.length - fine.length} not as they should be.\n`,
  )
  return fine.length === verdicts.length ? 0 : 1
}

process.exitCode = await main()
