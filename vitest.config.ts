import { readFileSync } from 'node:fs'
import { defineConfig, type Plugin } from 'vitest/config'
import type { InlineConfig } from 'vitest/node'
import { fileOf, without } from './test/mutants/build.js'
import { GUARDS } from './test/mutants/guards.js'
import { LongestFirst } from './test/services/order.js'

/** `npm run mutants` runs some tests on a source that lacks a guard, by its name. */
function withoutGuard(name: string | undefined): Plugin[] {
  const guard = GUARDS.find((candidate) => candidate.name === name)
  if (guard === undefined) return []
  return [
    {
      name: 'without-guard',
      enforce: 'pre',
      load: (id) => (id === fileOf(guard) ? without(guard, readFileSync(id, 'utf8')) : null),
    },
  ]
}

/**
 * Ends what hangs, and stands for no machine's speed: tests bound their work, and wait for events. Who asks for more
 * runs of a suite than the long form has waits for as long as they take.
 */
const HANG_MS = 10 * 60_000
const isOpenEnded = process.env.FUZZ_RUNS !== undefined || process.env.SIM_SEEDS !== undefined

/**
 * Tests of plain code, which leave nothing behind in their process: they share one, so that libraries are loaded once.
 */
const TOGETHER = [
  'test/{aggregate,base,codecs,cost,examples,fuzz,handlers,keyed,mutants,observe,package}/*.test.ts',
  'test/{pipeline,runtime,testing,time,window}/*.test.ts',
  'test/{crash,lambda,model,oracle,sim,sim/dynamodb,sources,volume}/*.test.ts',
  'test/dev/{answer,code-files,cost-command,events,explain,lines,partition,places,poller,run,summary,terminal}.test.ts',
  'test/{dev/{cli-process,dead-letters,workspace},style}.test.ts',
  'test/docs/{addresses,aggregates,cost,deploy,process,row-operators,testing,windows}.test.ts',
  'test/infra/{apart,cost,dead-letters,options,own-code,refusals,security,stream-pipeline}.test.ts',
  'test/{sinks/{callback,console,file,file-bytes},state/{lmdb,memory}}.test.ts',
  'test/{sources/live/{kafka-inspector,kafka-secret,kinesis-inspector,kinesis-verify},queues/sqs}.test.ts',
  'test/{dev/{dead-letters-bucket,live/{dead-letters,kafka-poller,kinesis-poller}},sinks/{dynamodb,s3}}.test.ts',
  'test/state/{dynamodb,dynamodb-faults,dynamodb-shortcut}.test.ts',
]

const shared: InlineConfig = {
  env: {
    // The SDK warns of the end of Node 20 in each process.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    // The CDK's own look at each template takes seconds, and only warns. Where a stack goes up as users have it, it is
    // on.
    CDK_VALIDATION: 'false',
    // Where each construct was made, which no test asks.
    CDK_DISABLE_STACK_TRACE: 'true',
  },
  testTimeout: isOpenEnded ? 0 : HANG_MS,
  hookTimeout: HANG_MS,
  expect: { poll: { timeout: HANG_MS } },
  pool: 'forks',
  // One more than the two cores that are there at least: many files wait for services, for processes and for ticks.
  maxWorkers: 3,
}
const plugins = withoutGuard(process.env.WITHOUT_GUARD)

export default defineConfig({
  test: {
    globalSetup: 'test/services/setup.ts',
    sequence: { sequencer: LongestFirst },
    projects: [
      { plugins, test: { ...shared, name: 'alone', include: ['test/**/*.test.ts'], exclude: TOGETHER } },
      { plugins, test: { ...shared, name: 'together', include: TOGETHER, isolate: false } },
    ],
  },
})
