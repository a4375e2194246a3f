import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * What takes longest, the longest first: whoever is done early then takes what is short, and none waits for one that
 * began late. Suites that need the only broker (desk.ts) are apart.
 */
const LONGEST = [
  'dev/init',
  'infra/deploy',
  'infra/template',
  'docs/readme',
  'dev/live/kafka-poller',
  'state/dynamodb-faults',
  'state/dynamodb',
  'sources/live/kafka-inspector',
  'sources/live/kafka-connection',
  'sinks/dynamodb',
  'dev/live/cli-live',
  'dev/live/kinesis-poller',
  'state/dynamodb-shortcut',
  'sources/live/kinesis-inspector',
  'lambda/flights',
  'sim/sim',
  'oracle/bytes',
  'oracle/faults',
  'crash/kill',
  'oracle/variants',
  'lambda/function',
  'dev/cli-process',
  'infra/own-code',
  'volume/volume',
  'oracle/splits',
  'dev/run',
  'state/lmdb',
  'volume/heap',
  'lambda/ric',
  'lambda/bundle',
  'sim/crash-points',
].map((name) => `test/${name}.test.ts`)

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return [...files].sort((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1))
  }
}

/** Files that share a process come last, one after the other: another between them would end it. */
function rank({ moduleId, project }: TestSpecification): number {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(name))
  const rank = place === -1 ? LONGEST.length : place
  return project.config.isolate === false ? LONGEST.length + 1 + rank : rank
}
