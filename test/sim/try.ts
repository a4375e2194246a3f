import { collect, count, fileSource, ndjson, outOfOrder, pipeline, tumbling } from '../../lib/index.js'
import { random, simulate } from './world.js'

import { fileDecoder } from '../../lib/sources/file/decoder.js'
const decoder = fileDecoder()
interface E { id: number; t: number; k: string }
export function logs(seed: number, splits = 3, length = 14) {
  const R = random(seed), pick = (n: number) => Math.floor(R() * n)
  let id = 0
  return { events: Object.fromEntries(Array.from({ length: splits }, (_, s) => { let t = 0; return [`p${s}`, Array.from({ length }, () => JSON.stringify({ id: id++, t: 1000 * Math.max(0, (t += pick(5)) - pick(9)), k: 'k' + pick(3) }))] })) }
}
export const p = pipeline('sim', { keyGroups: 2, deadLetter: ndjson('dead'), minAdvance: 0, idle: { after: '4s' } }, b =>
  b.from({ ...fileSource('events', { timestamp: (e: E) => e.t, watermark: outOfOrder('3s') }), open: async () => decoder })
    .keyBy(e => e.k).window(tumbling('10s'), { allowedLateness: '15s', accumulation: 'retracting', late: ndjson('late') })
    .aggregate('w', { n: count(), ids: collect(e => e.id, { max: 1000 }) }).to(ndjson('out')))
const from = Number(process.argv[2] ?? 1), to = Number(process.argv[3] ?? 50)
let bad = 0, totalSteps = 0
for (let seed = from; seed <= to; seed++) {
  const r = await simulate(p, { seed, logs: logs(seed), trickle: seed % 2 === 0 })
  totalSteps += r.steps; if (process.argv[4]) console.log(r.trace.join("\n"))
  const times = new Map<number, number>()
  const finals = new Map<string, any>()
  for (const v of (r.rows.get('out') ?? new Map()).values()) if (v.op === '+') { const key = v.key + v.window.start; if (!finals.has(key) || finals.get(key).pane.index < v.pane.index) finals.set(key, v) }
  for (const v of finals.values()) for (const id of v.value.ids) times.set(id, (times.get(id) ?? 0) + 1)
  for (const v of (r.rows.get('late') ?? new Map()).values()) times.set(v.payload.id, (times.get(v.payload.id) ?? 0) + 1)
  const lost = Array.from({ length: 42 }, (_, i) => i).filter(i => !times.has(i)), doubled = [...times].filter(([, n]) => n > 1)
  if (!r.finished || lost.length || doubled.length || r.conflicts.length) {
    bad++
    console.log('seed', seed, 'finished', r.finished, 'lost', lost.join(), 'doubled', doubled.length, 'conflicts', r.conflicts.slice(0, 2), r.errors.slice(-2))
    if (false) { console.log(r.trace.join('\n')) }
  }
}
console.log('bad', bad, 'of', to - from + 1, 'steps', totalSteps)
