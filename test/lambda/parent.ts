import { LambdaFunction } from '../../lib/dev/lambda/function.js'

/**
 * A process with a function whose environments are blocked in a loop, waiting, a zombie, and frozen. Prints their pids,
 * and waits to be killed.
 */
const f = new LambdaFunction({ name: 'f', taskRoot: process.argv[2]! })
for (const what of ['loop', 'wait', 'wait']) f.invoke(what).catch(() => undefined)
while (f.lines.length < 3) await new Promise((resolve) => setTimeout(resolve, 5))
await f.invoke('')
const waiting = f.lines.find(({ text }) => text === 'wait')!
f.abandon(f.environments.find(({ pid }) => pid === waiting.pid)!)
const environments = f.environments.map(({ pid, state }) => ({ pid, state }))
process.stdout.write(`${JSON.stringify(environments)}\n`)
setInterval(() => undefined, 60_000)
