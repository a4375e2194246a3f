import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { App, Stack } from 'aws-cdk-lib'
import { Annotations, Match } from 'aws-cdk-lib/assertions'
import { Stream } from 'aws-cdk-lib/aws-kinesis'
import { afterAll, describe, expect, it } from 'vitest'
import { bundleHandler } from '../../infra/constructs/bundle.js'
import { KinesisSource, StreamPipeline } from '../../infra/constructs/index.js'
import { checkLoads } from '../../infra/constructs/load-check.js'
import { doubts } from '../../infra/constructs/user-code.js'
import { callback, kinesisSource, outOfOrder, pipeline } from '../../lib/index.js'

const home = mkdtempSync(join(tmpdir(), 'millrace-own-code-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
symlinkSync(resolve('node_modules'), join(home, 'node_modules'))

const CLIENTS = ['@aws-sdk/*', '@smithy/*']
const ABSENT = ['kafkajs', '@aws-sdk/client-sqs', '@aws-sdk/client-s3', './msk-iam.js']
const lib = (path: string): string => JSON.stringify(resolve('lib', path))
/** A pipeline whose file begins with some code and whose sink runs some. */
const pipelineOf = (code: string, sends = '') => `
import { callback, kinesisSource, outOfOrder, pipeline } from ${lib('index.ts')}
${code}
const orders = kinesisSource('orders', { timestamp: (o: any) => o.at, watermark: outOfOrder('1s') })
export default pipeline('own', (p) => p.from(orders).to(callback('out', async (rows) => { ${sends} })))
`
const INGEST = `
import { ingest } from ${lib('handlers/index.ts')}
import { environmentBindings } from ${lib('lambda/index.ts')}
import pipeline from './pipeline.js'
export const handler = ingest(pipeline, await environmentBindings())
`
/**
 * A handler without a store, and so without any client, which take most of the time of a bundle: for what hangs on
 * other code alone.
 */
const BARE = `
import pipeline from './pipeline.js'
export const handler = () => pipeline.name
`
let projects = 0

function project(files: Readonly<Record<string, string>>): string {
  const folder = join(home, `project-${projects++}`)
  mkdirSync(folder)
  const all = { 'ingest.ts': INGEST, 'zones.json': '{"a":"north"}', ...files }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text)
  return folder
}

function bundle(files: Readonly<Record<string, string>>, assets: readonly string[] = []) {
  const folder = project(files)
  const entry = join(folder, 'ingest.ts')
  const paths = assets.map((asset) => join(folder, asset))
  const absent = files['ingest.ts'] === BARE ? [...ABSENT, ...CLIENTS] : ABSENT
  const made = bundleHandler(entry, { absent, assets: paths }, join(folder, 'out'))
  const holds = (name: string): boolean =>
    Object.keys(made.metafile.inputs).some((input) => input.includes(`node_modules/${name}/`))
  return { made, holds, load: () => checkLoads(entry, made), doubts: doubts(made.metafile.inputs, assets.length > 0) }
}

describe('what the code imports itself is inside', () => {
  it.each([
    ['kafkajs', "import { Kafka } from 'kafkajs'", 'new Kafka({ brokers: [] })'],
    ['@aws-sdk/client-sqs', "import { SQSClient } from '@aws-sdk/client-sqs'", 'new SQSClient({})'],
    ['@aws-sdk/client-s3', '', "await import('@aws-sdk/client-s3')"],
  ])('%s, though no source or sink needs it, and no other one', (name, code, sends) => {
    const { holds, load } = bundle({ 'pipeline.ts': pipelineOf(code, sends) })
    expect(ABSENT.filter(holds)).toEqual([name])
    expect(load()).toBeUndefined()
  })

  it('a file of its own that is called as one of ours', () => {
    const files = { 'msk-iam.ts': 'export const own = 1', 'pipeline.ts': pipelineOf("import './msk-iam.js'") }
    expect(bundle(files).load()).toBeUndefined()
  })

  it('and where it imports nothing, nothing more', () => {
    const { holds, load, doubts } = bundle({ 'pipeline.ts': pipelineOf('') })
    expect([ABSENT.filter(holds), load(), doubts]).toEqual([[], undefined, []])
  })
})

describe('each bundle is loaded once, as Lambda does', () => {
  const LOADED = /ingest\.ts was bundled, but it cannot be loaded in \/var\/task: /
  const READ = "import { readFileSync } from 'node:fs'\nreadFileSync(new URL('./zones.json', import.meta.url))"
  const REQUIRE = "import { createRequire } from 'node:module'\ncreateRequire(import.meta.url)('./zones.json')"
  it.each([
    ['import.meta.url', READ],
    ['createRequire', REQUIRE],
  ])('a file beside the code, by %s, is named, and there as an asset', (_, code) => {
    const files = { 'ingest.ts': BARE, 'pipeline.ts': pipelineOf(code) }
    const { load, doubts } = bundle(files)
    expect(load).toThrow(LOADED)
    expect(load).toThrow(/zones\.json'.*\/var\/task\/|\/var\/task\/zones\.json'/)
    expect(doubts).toEqual([expect.stringMatching(/pipeline\.ts looks for files next to the code\. .*Give assets:/)])
    const whole = bundle(files, ['zones.json'])
    expect(whole.load()).toBeUndefined()
    expect(whole.doubts).toEqual([])
    expect(readFileSync(join(whole.made.directory, 'zones.json'), 'utf8')).toBe('{"a":"north"}')
  })

  it('a native module is named, with the file that imports it', () => {
    const { load, doubts } = bundle({
      'ingest.ts': BARE,
      'pipeline.ts': pipelineOf("import { open } from 'lmdb'\nopen"),
    })
    expect(load).toThrow(/Cannot find package 'lmdb'.*, imported by .*pipeline\.ts\./)
    expect(doubts).toEqual([expect.stringMatching(/loads a native module \(by lmdb\)/)])
  })

  it.each([
    [
      'what it throws as it loads',
      "throw new Error('no such zone')",
      /no such zone\. Fix the code that runs while it loads/,
    ],
    [
      'a promise that nobody waits for',
      "void Promise.reject(new Error('lost'))\nawait new Promise((r) => setTimeout(r, 50))",
      /: lost\. Fix the code/,
    ],
    ['the end of its process', 'process.exit(3)', /: the code ends its process\. Fix the code/],
  ])('%s is said', (_, code, words) => {
    expect(bundle({ 'ingest.ts': BARE, 'pipeline.ts': pipelineOf(code) }).load).toThrow(words)
  })

  it('a handler that is none', () => {
    const files = { 'ingest.ts': 'export const handle = 1', 'pipeline.ts': '' }
    expect(bundle(files).load).toThrow(/ingest\.ts exports no handler\. Write: export const handler/)
  })

  it('what the network alone can tell is no refusal', () => {
    const code = "throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })"
    expect(bundle({ 'ingest.ts': BARE, 'pipeline.ts': pipelineOf(code) }).load()).toMatch(
      /uses the network while it loads/,
    )
  })
})

describe('assets', () => {
  it('are refused where they are not there, or two have one name', () => {
    const files = { 'ingest.ts': BARE, 'pipeline.ts': pipelineOf('') }
    expect(() => bundle(files, ['nothing.json'])).toThrow(
      /assets names .*nothing\.json, which does not exist\. Give files or folders/,
    )
    expect(() => bundle(files, ['zones.json', 'zones.json'])).toThrow(
      /the folder of the handler already has a zones\.json/,
    )
  })

  it('of a stack: a warning where the code reads files, and none where it is given them', () => {
    const code = `${"import { readFileSync } from 'node:fs'"}\nconst zones = () => readFileSync(new URL('./zones.json', import.meta.url))`
    const handlers = ['ingest', 'advance', 'tick'].map((name) => [`${name}.ts`, BARE])
    const folder = project({
      ...Object.fromEntries(handlers),
      'pipeline.ts': `${code}\nexport default { name: zones.name }`,
    })
    const own = pipeline('own', (p) =>
      p
        .from(kinesisSource('orders', { timestamp: (o: { at: number }) => o.at, watermark: outOfOrder('1s') }))
        .to(callback('out', () => undefined)),
    )
    const stackOf = (assets?: readonly string[]) => {
      const scope = new Stack(new App({ outdir: join(home, `cdk-${projects++}`) }), 'stack')
      new StreamPipeline(scope, 'Pipeline', {
        pipeline: own,
        functions: folder,
        sources: { orders: new KinesisSource(new Stream(scope, 'Orders')) },
        ...(assets && { assets }),
      })
      return scope
    }
    const said = Match.stringLikeRegexp('pipeline\\.ts looks for files next to the code')
    Annotations.fromStack(stackOf()).hasWarning('/stack/Pipeline', said)
    Annotations.fromStack(stackOf([join(folder, 'zones.json')])).hasNoWarning('/stack/Pipeline', said)
    expect(existsSync(folder)).toBe(true)
  })
})
