import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { DYNAMODB_LOCAL } from '../../lib/dev/services/dynamodb.js'
import { classPath, missingJava } from '../../lib/dev/services/jars.js'
import { KAFKA } from '../../lib/dev/services/kafka.js'
import { buildSources } from './build-sources.js'
import { Desk } from './desk.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Why suites that need Java do not run; empty where they do. */
    readonly missingJava: string
    /** Where suites ask for the services that they share. */
    readonly desk: string
    /** The folder of the sources as JavaScript. */
    readonly built: string
  }
}

/**
 * Fetches what the suites against real services run on, once, before any of them starts; or says plainly that they do
 * not run.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const removeFolder = ownTemporaryFolder()
  const missing = await whatIsMissing()
  if (missing !== '' && process.env.CI === 'true') {
    throw new Error(`With CI=true the suites against DynamoDB Local and Apache Kafka must run. ${missing}`)
  }
  if (missing !== '') {
    process.stdout.write(`\nNOT RUN: the suites against DynamoDB Local and Apache Kafka. ${missing}\n\n`)
  }
  project.provide('missingJava', missing)
  const desk = await Desk.open()
  project.provide('desk', desk.address)
  const built = mkdtempSync(join(tmpdir(), 'millrace-built-'))
  await buildSources(built)
  project.provide('built', built)
  return async () => {
    await desk.close()
    removeFolder()
  }
}

/**
 * What tests, the libraries they use and the processes they start leave in the folder of temporary files goes with the
 * run.
 */
function ownTemporaryFolder(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tests-'))
  process.env.TMPDIR = folder
  return () => rmSync(folder, { recursive: true, force: true })
}

async function whatIsMissing(): Promise<string> {
  const missing = await missingJava()
  if (missing !== undefined) return missing
  try {
    await classPath(DYNAMODB_LOCAL)
    await classPath(KAFKA)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
