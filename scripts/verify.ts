import { spawnSync } from 'node:child_process'

/** Packs the result of the previous build: .npmrc forbids a plain npm pack, which does not build. */
const env = { ...process.env, npm_config_pack_destination: '.' }

/**
 * All checks that must pass before a commit. CI runs the same checks, with LONG=1. Each step is a command that can be
 * run alone.
 */
const steps: readonly (readonly [name: string, ...command: string[]])[] = [
  ['format and lint', 'biome', 'check', '--error-on-warnings', '.'],
  ['types', 'tsc', '--noEmit', '-p', '.'],
  ['architecture', 'depcruise', '--output-type', 'err', 'lib', 'functions', 'infra', 'examples'],
  ['dead code', 'knip'],
  ['tests', 'vitest', 'run'],
  ['build', 'tsc', '-p', 'tsconfig.build.json'],
  ['package', 'publint', '--strict'],
  ['package types', 'attw', '--pack', '.', '--profile', 'esm-only'],
  ['bundle budget', 'tsx', 'scripts/bundle.ts', '--check'],
]

const only = process.argv.slice(2)
for (const [name, command, ...args] of steps) {
  if (only.length > 0 && !only.includes(name)) continue
  const started = performance.now()
  process.stdout.write(`\n== ${name}: ${command} ${args.join(' ')}\n`)
  const { status } = spawnSync('npx', ['--no-install', command!, ...args], { stdio: 'inherit', env })
  process.stdout.write(
    `== ${name}: ${status === 0 ? 'passed' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`,
  )
  if (status !== 0) process.exit(1)
}
process.stdout.write('\nverify: all steps passed\n')
