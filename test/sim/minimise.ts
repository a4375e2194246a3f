import { FAULT_NAMES, type Fault } from '../../lib/testing/sim/faults.js'
import { type RunOptions, type RunResult, run } from './run.js'

const RUNS_MAX = 400

/**
 * Makes a failing run smaller, as long as it fails: fewer kinds of faults, fewer records, fewer injections. Bounded in
 * runs.
 */
export async function minimise(options: RunOptions): Promise<{ options: RunOptions; result: RunResult; runs: number }> {
  let best = { options, result: await run(options) }
  let runs = 1
  const attempt = async (smaller: RunOptions): Promise<boolean> => {
    if (runs >= RUNS_MAX) return false
    runs++
    const result = await run(smaller)
    if (result.faults.length === 0) return false
    best = { options: smaller, result }
    return true
  }

  let kinds: readonly Fault[] = options.kinds ?? FAULT_NAMES
  // Those that were never injected go at once.
  const injected = kinds.filter((kind) => best.result.swarm.counts.has(kind))
  if (await attempt({ ...best.options, kinds: injected })) kinds = injected
  for (const kind of [...kinds]) {
    const rest = kinds.filter((other) => other !== kind)
    if (await attempt({ ...best.options, kinds: rest })) kinds = rest
  }
  for (const length of [1, 2, 3, 5, 8]) if (await attempt({ ...best.options, length })) break

  // Delta debugging over the injections (Zeller and Hildebrandt, 2002): ever smaller blocks of them are left out.
  let kept = Array.from({ length: best.result.swarm.ordinals }, (_, ordinal) => ordinal)
  for (
    let size = Math.ceil(kept.length / 2);
    size >= 1 && runs < RUNS_MAX;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < kept.length; ) {
      const fewer = new Set([...kept.slice(0, at), ...kept.slice(at + size)])
      if (await attempt({ ...best.options, allows: (ordinal) => fewer.has(ordinal) })) kept = [...fewer]
      else at += size
    }
  }
  return { ...best, runs }
}
