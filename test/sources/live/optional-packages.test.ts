import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const CLIENTS = ['@aws-sdk/*', '@smithy/*', 'kafkajs']

/** The sources as a project has them that installed none of the optional packages. */
describe('without the optional packages', () => {
  let folder: string
  const run = (script: string): string => {
    writeFileSync(join(folder, 'script.mjs'), script)
    return execFileSync(process.execPath, ['script.mjs'], { cwd: folder, encoding: 'utf8' }).trim()
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-bare-'))
    await build({
      entryPoints: {
        nodes: 'lib/index.ts',
        kinesis: 'lib/sources/kinesis/inspector.ts',
        kafka: 'lib/sources/kafka/inspector.ts',
        secret: 'lib/sources/kafka/secret.ts',
      },
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      external: CLIENTS,
    })
  })

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it('a pipeline that names the sources is made, and its events are read', () => {
    const said = run(`
      import { kafkaSource, kinesisSource, outOfOrder } from './nodes.mjs'
      const options = { timestamp: (r) => r.t, watermark: outOfOrder('1s') }
      const decoders = await Promise.all([kinesisSource('a', options).open(), kafkaSource('b', options).open()])
      console.log(decoders.map(({ connector }) => connector).join())`)
    expect(said).toBe('kinesis,kafka')
  })

  it('who asks a source is told what to install', () => {
    const said = run(`
      import { kinesisInspector } from './kinesis.mjs'
      import { kafkaInspector } from './kafka.mjs'
      import { loadKafkaSecret } from './secret.mjs'
      const say = (promise) => promise.catch((error) => console.log(error.code + ': ' + error.message))
      await say(kinesisInspector({ stream: 'orders', region: 'eu-west-1' }).list())
      await say(kafkaInspector({ topic: 'orders', connection: { brokers: ['127.0.0.1:9092'] } }).list())
      await say(loadKafkaSecret('arn:aws:secretsmanager:eu-west-1:1:secret:x'))`)
    expect(said.split('\n')).toEqual([
      'missing-package: The Kinesis inspector needs the package @aws-sdk/client-kinesis @smithy/node-http-handler: npm install @aws-sdk/client-kinesis @smithy/node-http-handler.',
      'missing-package: The Kafka inspector needs the package kafkajs: npm install kafkajs.',
      'missing-package: A Kafka secret by its ARN needs the package @aws-sdk/client-secrets-manager: npm install @aws-sdk/client-secrets-manager.',
    ])
  })
})
