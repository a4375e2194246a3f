import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHandler } from '../../infra/constructs/bundle.js'
import { type BuiltFunction, bundleFunctions } from '../../scripts/bundle.js'
import { bundledFunctions } from '../services/bundled.js'
import { functionMaker } from './handlers.js'

const { folder, make } = functionMaker('lambda-bundle')

describe('the functions as deployed', () => {
  let built: readonly BuiltFunction[]
  beforeAll(async () => {
    built = await bundledFunctions(folder('functions'))
  })

  it('name their errors by class, though they are minified', async () => {
    const tick = built.find(({ name }) => name === 'tick')!
    const f = make('', { taskRoot: tick.directory })
    // ConfigError is one of those that no redelivery mends.
    await expect(f.invoke({})).rejects.toMatchObject({
      code: 'function-stopped',
      message: expect.stringMatching(/^MILLRACE_STATE must name the state store as .*; it is ""\.$/),
    })
  })

  it('find their way in a folder that holds nothing else', async () => {
    expect(built.map(({ name }) => name)).toEqual(['ingest', 'advance', 'tick'])
    for (const { name, directory } of built) {
      const f = make('', { taskRoot: directory, env: { MILLRACE_STATE: 'memory' } })
      const event = { ingest: { Records: [] }, advance: { operator: 'hourly', keyGroup: 0 }, tick: {} }[name]
      expect(await f.invoke(event), name).toEqual(name === 'ingest' ? { batchItemFailures: [] } : {})
    }
  })
})

describe('a bundle for a pipeline', () => {
  const filesOf = (directory: string): [name: string, text: string][] =>
    readdirSync(directory)
      .sort()
      .map((file) => [file, readFileSync(join(directory, file), 'utf8')])

  it('holds no client that it does not use, and nothing of the CDK', () => {
    const inputsOf = (absent: readonly string[], into: string): string[] =>
      Object.keys(bundleHandler('functions/ingest.ts', { absent }, folder(into)).metafile.inputs)
    const all = inputsOf([], 'all-clients')
    // A stack that is synthesized twice is the same stack.
    expect(filesOf(folder('all-clients'))).toEqual(filesOf(folder('functions/ingest')))
    const withoutKafka = inputsOf(['kafkajs', '@aws-sdk/client-secrets-manager'], 'without-kafka')
    const withoutIam = inputsOf(['./msk-iam.js'], 'without-iam')
    expect([all, withoutIam].map((inputs) => inputs.includes('lib/sources/kafka/msk-iam.ts'))).toEqual([true, false])
    const withoutKinesis = inputsOf(['@aws-sdk/client-kinesis', '@aws-sdk/client-s3'], 'without-kinesis')
    const has = (inputs: readonly string[], name: string): boolean =>
      inputs.some((input) => input.includes(`node_modules/${name}/`))
    expect([has(all, 'kafkajs'), has(all, '@aws-sdk/client-kinesis')]).toEqual([true, true])
    expect([
      has(withoutKafka, 'kafkajs'),
      has(withoutKafka, '@aws-sdk/client-secrets-manager'),
      has(withoutKafka, '@aws-sdk/client-kinesis'),
    ]).toEqual([false, false, true])
    expect([has(withoutKinesis, 'kafkajs'), has(withoutKinesis, '@aws-sdk/client-kinesis')]).toEqual([true, false])
    expect([has(all, '@aws-sdk/client-s3'), has(withoutKinesis, '@aws-sdk/client-s3')]).toEqual([true, false])
    for (const name of ['aws-cdk-lib', 'constructs', 'tsx', 'commander', 'esbuild'])
      expect([name, has(all, name)]).toEqual([name, false])
  })
})

describe('a bundle that cannot be', () => {
  it.each([
    [
      "import '@nobody/nothing'",
      /broken\.ts of this pipeline needs packages that are not installed: npm install @nobody\/nothing$/,
    ],
    ["import './nowhere.js'", /broken\.ts cannot be bundled: .*broken\.ts:1: Could not resolve ".\/nowhere\.js"$/],
    ['export const handler = ]', /broken\.ts cannot be bundled: .*broken\.ts:1: Unexpected "]"$/],
  ])('is one sentence: %s', (text, words) => {
    const entry = join(folder('broken'), 'broken.ts')
    mkdirSync(dirname(entry), { recursive: true })
    writeFileSync(entry, text)
    expect(() => bundleHandler(entry, {}, folder('none'))).toThrow(words)
  })
})

describe('AWS credentials in a bundle', () => {
  const entries = [fileURLToPath(new URL('./credentials-handler.ts', import.meta.url))]
  let built: BuiltFunction
  beforeAll(async () => {
    built = (await bundleFunctions(folder('credentials'), { entries }))[0]!
  })

  it('are those of the environment variables', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }
    const env = { ...keys, AWS_SESSION_TOKEN: 'session' }
    expect(await make('', { taskRoot: built.directory, env }).invoke({})).toEqual({
      accessKeyId: 'AKIAEXAMPLE',
      secretAccessKey: 'secret',
      sessionToken: 'session',
    })
    expect(await make('', { taskRoot: built.directory, env: keys }).invoke({})).toEqual({
      accessKeyId: 'AKIAEXAMPLE',
      secretAccessKey: 'secret',
    })
  })

  it('are refused with words where there are none', async () => {
    const f = make('', { taskRoot: built.directory, env: { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE' } })
    await expect(f.invoke({})).rejects.toMatchObject({
      errorType: 'CredentialsProviderError',
      message: expect.stringContaining(
        'AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which Lambda sets',
      ),
    })
  })

  it('are looked for nowhere else, which saves 100 KB and more', async () => {
    const textOf = ({ directory }: BuiltFunction): string =>
      readdirSync(directory)
        .map((file) => readFileSync(join(directory, file), 'utf8'))
        .join()
    const [whole] = await bundleFunctions(folder('whole'), { entries, allCredentials: true })
    expect(textOf(whole!)).toContain('sso_start_url')
    expect(textOf(built)).not.toContain('sso_start_url')
    expect(built.hasSdk).toBe(true)
    expect(whole!.bytes - built.bytes).toBeGreaterThan(100 * 1024)
  })
})
