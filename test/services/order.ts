import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * What takes longest, the longest first: whoever is done early then takes what is short, and none waits for one that
 * began late.
 */
const LONGEST = [
  'dev/init',
  'docs/readme',
  'infra/deploy',
  'infra/template',
  'dev/live/cli-live',
  'lambda/flights',
  'oracle/bytes',
  'sinks/s3',
  'state/dynamodb',
  'oracle/variants',
  'crash/kill',
  'oracle/faults',
  'oracle/splits',
  'dev/live/kafka-poller',
  'sinks/dynamodb',
  'state/dynamodb-faults',
  'sources/live/kafka-connection',
  'sources/live/kafka-inspector',
  'lambda/function',
  'sim/sim',
  'volume/volume',
  'dev/cli-process',
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
