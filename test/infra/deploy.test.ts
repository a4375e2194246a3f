import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNT, LocalAws, REGION } from './aws/local-aws.js'
import { awsToolsFor } from './aws/tools.js'

const execute = promisify(execFile)
const tools = await awsToolsFor('the stack deployed into a local AWS')

/** Types that the local AWS does not know, and has nothing behind. One more is a part of the stack that nobody has deployed. */
const INERT = ['AWS::CDK::Metadata', 'AWS::Lambda::EventInvokeConfig', 'AWS::Scheduler::Schedule']
const SECRET = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:kafka-login-AbCdEf`

describe.skipIf(tools === undefined)('the stack, deployed', () => {
  const out = mkdtempSync(join(tmpdir(), 'millrace-stack-'))
  let aws: LocalAws
  beforeAll(async () => {
    aws = await LocalAws.start(tools!)
    await aws.cdk('bootstrap', `aws://${ACCOUNT}/${REGION}`)
    // What the bootstrap's own stack has is not ours.
    aws.inert.clear()
  }, 240_000)
  afterAll(async () => {
    await aws.stop()
    rmSync(out, { recursive: true, force: true })
  })

  const given = (stage: string): string[] => [
    '-c',
    `stage=${stage}`,
    '-c',
    'brokers=b-1:9096,b-2:9096',
    '-c',
    `secretArn=${SECRET}`,
  ]
  const app = (stage: string): string[] => [...given(stage), '--output', join(out, stage)]
  const templateOf = (stage: string): { Resources: Record<string, { Type: string; Properties: any }> } =>
    JSON.parse(readFileSync(join(out, stage, `flights-${stage}.template.json`), 'utf8'))
  const tables = async (): Promise<string[]> =>
    (await aws.call('dynamodb', 'DynamoDB_20120810.ListTables', {})).TableNames

  it('goes up with one command, as its template says, and a look finds no difference', {
    timeout: 300_000,
  }, async () => {
    await aws.cdk('deploy', '--method=direct', '--require-approval', 'never', ...app('dev'))
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
    expect(await tables()).toHaveLength(4)
    await aws.cdk('diff', '--method=template', '--fail', ...app('dev'))
  })

  it('goes away with one command, and keeps what is for good', { timeout: 300_000 }, async () => {
    await aws.cdk('deploy', '--method=direct', '--require-approval', 'never', ...app('prod'))
    expect(await tables()).toHaveLength(8)
    await aws.cdk('destroy', '--force', 'flights-dev', ...app('dev'))
    expect(await tables()).toHaveLength(4)
    await aws.cdk('destroy', '--force', 'flights-prod', ...app('prod'))
    const kept = await tables()
    expect(kept).toHaveLength(4)
    expect(kept.every((name) => name.startsWith('flights-prod-'))).toBe(true)
  })

  it('cfn-lint finds nothing in its template, but what the CDK writes twice', { timeout: 120_000 }, async () => {
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
