import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { LambdaFunction } from '../../lib/dev/lambda/function.js'
import { millrace } from '../dev/cli.js'
import { LONG } from '../draws.js'
import { kinesisEvent } from '../handlers/worlds.js'
import { ACCOUNT, LocalAws, REGION } from '../services/aws/local-aws.js'
import { awsToolsFor } from '../services/aws/tools.js'
import { built } from '../services/built.js'
import { Template } from './template-deployment.js'

const execute = promisify(execFile)
const tools = await awsToolsFor('the stack deployed into a local AWS')

/**
 * Types that the local AWS does not know, and has nothing behind. One more is a part of the stack that nobody has
 * deployed.
 */
const INERT = [
  'AWS::CDK::Metadata',
  'AWS::Lambda::EventInvokeConfig',
  // It takes policies without their conditions: one that refuses who comes without TLS would refuse everybody.
  'AWS::S3::BucketPolicy',
  'AWS::Scheduler::Schedule',
]
const SECRET = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:kafka-login-AbCdEf`

const SHARD = 'shardId-000000000000'

describe.skipIf(tools === undefined)('the stack, deployed', () => {
  const out = mkdtempSync(join(tmpdir(), 'millrace-stack-'))
  let aws: LocalAws
  beforeAll(async () => {
    aws = await LocalAws.start(tools!)
    // Of an environment, and of no app: else it synthesizes the one of this folder.
    await aws.cdk('bootstrap', `aws://${ACCOUNT}/${REGION}`, '--app', '')
    // What the bootstrap's own stack has is not ours.
    aws.forgetInert()
  })
  afterAll(async () => {
    await aws.stop()
    rmSync(out, { recursive: true, force: true })
  })

  afterEach(() => vi.unstubAllEnvs())

  const given = (stage: string) => ({ stage, brokers: 'b-1:9096,b-2:9096', secretArn: SECRET })
  const app = (stage: string): string[] => [
    ...Object.entries(given(stage)).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    '--output',
    join(out, stage),
  ]
  /** The same app, without its bundles, which are those of another stage. */
  const synthesize = async (stage: string): Promise<void> => {
    const context = JSON.stringify({ ...given(stage), 'aws:cdk:bundling-stacks': [] })
    const env = { ...aws.env, CDK_OUTDIR: join(out, stage), CDK_CONTEXT_JSON: context }
    await execute(process.execPath, [built('infra/app.js')], { env })
  }
  const templateOf = (stage: string): { Resources: Record<string, { Type: string; Properties: any }> } =>
    JSON.parse(readFileSync(join(out, stage, `flights-${stage}.template.json`), 'utf8'))
  const tables = async (): Promise<string[]> =>
    (await aws.call('dynamodb', 'DynamoDB_20120810.ListTables', {})).TableNames

  it('goes up with one command, as its template says, and a look finds no difference', async () => {
    // The CDK's own look at the templates takes most of the time of a deployment.
    vi.stubEnv('CDK_VALIDATION', String(LONG))
    await aws.cdk('deploy', '--method=direct', '--require-approval', 'never', ...app('dev'))
    vi.unstubAllEnvs()
    const template = templateOf('dev')
    const wanted = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::EventSourceMapping')
    const { EventSourceMappings } = await aws.get('lambda', '/2015-03-31/event-source-mappings/')
    expect(EventSourceMappings).toHaveLength(wanted.length)
    for (const { Properties } of wanted) {
      const found = EventSourceMappings.find(
        (mapping: any) => (mapping.Topics?.[0] ?? '') === (Properties.Topics?.[0] ?? ''),
      )
      for (const [name, value] of Object.entries(Properties)) {
        if (['EventSourceArn', 'FunctionName', 'Enabled'].includes(name)) continue
        expect([name, found[name]]).toEqual([name, value])
      }
      expect(found.FunctionArn).toMatch(/:function:flights-dev-PipelineIngestFunction/)
    }
    expect([...aws.inert].sort()).toEqual(INERT)
    expect(await tables()).toHaveLength(3)
    // What was deployed, and not synthesized once more: the same app gives the same bundles (test/lambda/bundle).
    await aws.cdk('diff', '--method=template', '--fail', '--app', join(out, 'dev'))
  })

  it('what its function rejects is in its bucket, whole, and goes back to its stream once it is asked for', async () => {
    const template = new Template(join(out, 'dev'), 'flights-dev', () => ({}))
    const { Functions } = await aws.get('lambda', '/2015-03-31/functions/')
    const deployed = Functions.find((f: any) => f.FunctionName.includes('PipelineIngest'))
    const [[id]] = template.ofType('AWS::Lambda::Function').filter(([name]) => name.startsWith('PipelineIngest')) as any
    const { EventSourceMappings } = await aws.get('lambda', '/2015-03-31/event-source-mappings/')
    const stream = EventSourceMappings.find((mapping: any) => mapping.EventSourceArn?.includes(':kinesis:'))
    const sources = JSON.parse(deployed.Environment.Variables.MILLRACE_SOURCES)
    const name = stream.EventSourceArn.split('/').at(-1)
    const ingest = new LambdaFunction({
      name: 'ingest',
      taskRoot: template.codeOf(id),
      handler: deployed.Handler,
      memoryMb: deployed.MemorySize,
      timeoutMs: deployed.Timeout * 1_000,
      region: REGION,
      env: {
        ...deployed.Environment.Variables,
        // The local AWS lacks the statement that inserts what is not there yet.
        MILLRACE_STATE: 'memory',
        // Nor are there brokers to be asked.
        MILLRACE_SOURCES: JSON.stringify({ 'departures-a-l': sources['departures-a-l'] }),
        AWS_ENDPOINT_URL: aws.endpoint,
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
      },
    })
    // More than an item of a table holds.
    const large = `{"scheduled":"${'x'.repeat(700_000)}`
    try {
      const event = kinesisEvent(
        0,
        [large, '{"scheduled":"2001-01-13T00:10:00Z","delay":1,"distance":1,"origin":"A","destination":"B"}'],
        name,
      )
      const ofShard = JSON.parse(JSON.stringify(event).replaceAll(/shardId-\d+/g, SHARD))
      expect(await ingest.invoke(ofShard)).toEqual({ batchItemFailures: [] })
    } finally {
      await ingest.close()
    }
    const { rejected } = JSON.parse(deployed.Environment.Variables.MILLRACE_SINKS)
    expect(rejected).toMatch(/^s3:\/\/[a-z0-9-]+\/flights-dev\/flights\/rejected\/$/)
    for (const [variable, value] of Object.entries(aws.env))
      if (variable.startsWith('AWS_')) vi.stubEnv(variable, value)
    const list = await millrace('dead-letters', 'list', '--bucket', rejected, '--json')
    // Where it takes longer than a moment it says how far it is.
    expect(list.err).toMatch(/^(1 dead letters read\n)*$/)
    expect(JSON.parse(list.out)).toMatchObject([{ reason: 'bad-json', source: 'departures-a-l', rows: 1, again: 1 }])
    const above = await millrace('dead-letters', 'list', '--bucket', rejected.replace(/rejected\/$/, ''))
    expect([above.code, above.err]).toEqual([
      2,
      expect.stringContaining(`only folders: ${rejected}. Give the location of one sink`),
    ])
    const redrive = await millrace(
      'dead-letters',
      'redrive',
      'examples/flights/pipeline.ts',
      '--bucket',
      rejected,
      '--bind',
      `departures-a-l=${name}`,
      '--kinesis-endpoint',
      aws.endpoint,
    )
    expect([redrive.code, redrive.out]).toEqual([0, '1 records sent again, 0 left in place\n'])
    // Where it takes longer than a moment it says how far it is.
    expect(redrive.err).toMatch(/^(1 records sent\n)?$/)
    expect((await millrace('dead-letters', 'list', '--bucket', rejected)).out).toBe('There are no dead letters.\n')
    const target = (call: string): string => `Kinesis_20131202.${call}`
    const { ShardIterator } = await aws.call('kinesis', target('GetShardIterator'), {
      StreamName: name,
      ShardId: SHARD,
      ShardIteratorType: 'TRIM_HORIZON',
    })
    const { Records } = await aws.call('kinesis', target('GetRecords'), { ShardIterator })
    expect(Records.map(({ Data }: any) => Buffer.from(Data, 'base64').toString())).toEqual([large])
  })

  it('goes away with one command, and keeps what is for good', async () => {
    await synthesize('prod')
    await aws.cdk('deploy', '--method=direct', '--require-approval', 'never', '--app', join(out, 'prod'))
    expect(await tables()).toHaveLength(6)
    await aws.cdk('destroy', '--force', 'flights-dev', '--app', join(out, 'dev'))
    expect(await tables()).toHaveLength(3)
    await aws.cdk('destroy', '--force', 'flights-prod', '--app', join(out, 'prod'))
    const kept = await tables()
    expect(kept).toHaveLength(3)
    expect(kept.every((name) => name.startsWith('flights-prod-'))).toBe(true)
  })

  it('cfn-lint finds nothing in its template, but what the CDK writes twice', async () => {
    // W3005: a dependency that is said by a reference already.
    const { cfnLint } = tools!
    const { stdout } = await execute(cfnLint, [
      '--ignore-checks',
      'W3005',
      '--',
      join(out, 'dev', 'flights-dev.template.json'),
    ])
    expect(stdout).toBe('')
  })
})
