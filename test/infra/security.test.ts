import type { Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Stream, StreamEncryption } from 'aws-cdk-lib/aws-kinesis'
import { Key } from 'aws-cdk-lib/aws-kms'
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag'
import { describe, expect, it } from 'vitest'
import { KinesisSource, StateTable, StreamPipeline } from '../../infra/constructs/index.js'
import { kinesis, letters, msk, ofKinesis, selfManaged, sharedLetters, stack, withKeyedState } from './stacks.js'

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Effect: string
  readonly Condition?: unknown
}

const STATE = [
  'dynamodb:BatchGetItem',
  'dynamodb:PartiQLInsert',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
]
const SINK = [
  'dynamodb:BatchGetItem',
  'dynamodb:DescribeTable',
  'dynamodb:PartiQLInsert',
  'dynamodb:PartiQLUpdate',
  'dynamodb:PutItem',
]
/** Of dead letters. */
const LETTERS = ['s3:PutObject']
const LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents']
const INSPECT = [
  'kinesis:DescribeStreamSummary',
  'kinesis:GetRecords',
  'kinesis:GetShardIterator',
  'kinesis:ListShards',
]
const SECRET = ['secretsmanager:GetSecretValue']
const INTERFACES = ['ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface', 'ec2:DescribeNetworkInterfaces']
const IN_VPC = [...INTERFACES, 'ec2:AssignPrivateIpAddresses', 'ec2:DescribeSubnets', 'ec2:UnassignPrivateIpAddresses']
const POLLER = [...INTERFACES, 'ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs']
const MSK = ['kafka:DescribeCluster', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers']
const ASK_MSK = [
  'kafka-cluster:Connect',
  'kafka-cluster:DescribeTopic',
  'kafka-cluster:DescribeTopicDynamicConfiguration',
  'kafka-cluster:ReadData',
]
const POLL_MSK = [
  ...ASK_MSK,
  'kafka-cluster:AlterGroup',
  'kafka-cluster:DescribeClusterDynamicConfiguration',
  'kafka-cluster:DescribeGroup',
]

/**
 * Every action of every role. One more, or one on more, is a decision: this test fails, and somebody writes it down
 * here.
 */
const ROLES: readonly (readonly [
  name: string,
  make: () => Template,
  roles: Readonly<Record<string, readonly string[]>>,
])[] = [
  [
    'a stream',
    () => kinesis(stack()),
    {
      Ingest: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...INSPECT, 'kinesis:DescribeStream'],
      Advance: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...INSPECT],
      Tick: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...INSPECT],
      Schedule: ['lambda:InvokeFunction'],
    },
  ],
  [
    'a topic of MSK',
    () => msk(stack()),
    {
      Ingest: [
        ...LOGS,
        ...STATE,
        ...SINK,
        ...LETTERS,
        ...SECRET,
        'kms:Decrypt',
        ...IN_VPC,
        ...POLLER,
        ...MSK,
        'kafka:ListScramSecrets',
      ],
      Advance: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...SECRET, 'kms:Decrypt', ...IN_VPC],
      Tick: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...SECRET, 'kms:Decrypt', ...IN_VPC],
      Schedule: ['lambda:InvokeFunction'],
    },
  ],
  [
    'a topic of MSK by IAM',
    () => msk(stack(), { credentials: { kind: 'iam' } }),
    {
      Ingest: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...IN_VPC, ...POLLER, ...MSK, ...POLL_MSK],
      Advance: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...IN_VPC, ...ASK_MSK],
      Tick: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...IN_VPC, ...ASK_MSK],
      Schedule: ['lambda:InvokeFunction'],
    },
  ],
  [
    'a topic of another cluster',
    () => selfManaged(stack()),
    {
      Ingest: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...SECRET],
      Advance: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...SECRET],
      Tick: [...LOGS, ...STATE, ...SINK, ...LETTERS, ...SECRET],
      Schedule: ['lambda:InvokeFunction'],
    },
  ],
]

/** Statements on the state's table, of all policies of a template. */
function onState(template: Template): Statement[] {
  const [table] = Object.keys(template.findResources('AWS::DynamoDB::GlobalTable')).filter((id) => id.includes('State'))
  return Object.values(template.findResources('AWS::IAM::Policy'))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[])
    .filter(
      ({ Action, Resource }) => [Action].flat().includes('dynamodb:Query') && JSON.stringify(Resource).includes(table!),
    )
}

describe("roles reach the keys of their own pipeline's run", () => {
  it('and no others of a table that several share', () => {
    for (const [run, prefix] of [
      [undefined, '.1#*'],
      [7, '.7#*'],
    ] as const) {
      const statements = onState(kinesis(stack(), {}, run === undefined ? {} : { run }))
      expect(statements).toHaveLength(3)
      for (const { Condition } of statements)
        expect(Condition).toEqual({
          'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [expect.stringMatching(/^[A-Za-z].*\.\d+#\*$/)] },
        })
      expect(JSON.stringify(statements[0]!.Condition)).toContain(prefix)
    }
  })
})

describe('roles of a pipeline with keyed state', () => {
  it('also update items of the state many at a time, under the same condition; others do not', () => {
    const plain = onState(kinesis(stack()))
    const keyed = onState(kinesis(stack(), {}, { pipeline: withKeyedState }))
    expect(keyed.map(actionsOf)).toEqual(Array(3).fill(sorted([...STATE, 'dynamodb:PartiQLUpdate'])))
    expect(plain.map(actionsOf)).toEqual(Array(3).fill(STATE))
    expect(keyed.map(({ Condition }) => Condition)).toEqual(plain.map(({ Condition }) => Condition))
  })
})

describe('roles', () => {
  it.each(ROLES)('of %s may do this, and nothing else', (_, make, expected) => {
    const template = make()
    const actual = Object.fromEntries(
      Object.entries(statementsOf(template)).map(([role, statements]) => [role, sorted(statements.flatMap(actionsOf))]),
    )
    expect(actual).toEqual(
      Object.fromEntries(Object.entries(expected).map(([role, actions]) => [role, sorted(actions)])),
    )
    for (const role of Object.values(template.findResources('AWS::IAM::Role')))
      expect(role.Properties).not.toHaveProperty('ManagedPolicyArns')
  })

  it.each(ROLES)('of %s name what they may use: "*" only for what has no name yet', (_, make) => {
    for (const statement of Object.values(statementsOf(make())).flat()) {
      expect(actionsOf(statement).join()).not.toContain('*')
      const resource = JSON.stringify(statement.Resource)
      if (!resource.includes('*')) continue
      // Network interfaces, and the objects that one sink of the pipeline has in its bucket.
      if (resource === '"*"') expect(actionsOf(statement).filter((action) => !action.startsWith('ec2:'))).toEqual([])
      else
        expect([actionsOf(statement), resource]).toEqual([
          ['s3:PutObject'],
          expect.stringMatching(/"\/stack\/orders\/dead-letter\/\*"\]\]\}$/),
        ])
    }
  })

  it('of the schedule is for schedules of this account alone', () => {
    kinesis(stack()).hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { Service: 'scheduler.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
          }),
        ],
      },
    })
  })

  it('use a key only by way of the service whose data it encrypts', () => {
    const scope = stack()
    const key = new Key(scope, 'Key')
    const stream = new Stream(scope, 'Orders', { encryption: StreamEncryption.KMS, encryptionKey: key })
    const state = new StateTable(scope, 'State', { encryptionKey: key }).table
    new StreamPipeline(scope, 'Pipeline', {
      pipeline: ofKinesis,
      sources: { orders: new KinesisSource(stream) },
      state,
    })
    const uses = Object.values(statementsOf(Template.fromStack(scope)))
      .flat()
      .filter((statement) => actionsOf(statement).some((action) => action.startsWith('kms:')))
    expect(uses.length).toBeGreaterThan(0)
    for (const { Condition } of uses)
      expect(JSON.stringify(Condition)).toMatch(
        /^\{"StringEquals":\{"kms:ViaService":.*"(kinesis|dynamodb)\.eu-west-1\./,
      )
  })
})

describe('cdk-nag', () => {
  it.each([
    ['a stream', (scope: Stack) => kinesis(scope)],
    ['a stream, with a queue of advances', (scope: Stack) => kinesis(scope, {}, { advanceQueue: true })],
    ['a stream, with a bucket of dead letters', (scope: Stack) => letters(scope)],
    ["a stream, with another stack's bucket of dead letters", (scope: Stack) => sharedLetters(scope)],
    ['a topic of MSK', (scope: Stack) => msk(scope)],
    ['a topic of MSK by IAM', (scope: Stack) => msk(scope, { credentials: { kind: 'iam' } })],
    ['a topic of another cluster', (scope: Stack) => selfManaged(scope)],
  ])('finds nothing about a pipeline of %s that is not explained', (_, make) => {
    const scope = stack()
    make(scope)
    const found = [new AwsSolutionsChecks(scope), new ServerlessChecks(scope)].flatMap(
      (checks) => checks.validateScope(scope).violations,
    )
    expect(
      found.flatMap(({ ruleName, violatingResources }) =>
        (violatingResources ?? []).flatMap(({ constructPath }) =>
          /\/(Pipeline|Letters)\//.test(constructPath ?? '') ? `${ruleName}: ${constructPath}` : [],
        ),
      ),
    ).toEqual([])
  })
})

function statementsOf(template: Template): Record<string, Statement[]> {
  const roles: Record<string, Statement[]> = {}
  for (const policy of Object.values(template.findResources('AWS::IAM::Policy'))) {
    const id = String(policy.Properties.Roles[0].Ref)
    const [, role] = /^Pipeline(Ingest|Advance|Tick|Schedule)/.exec(id) ?? [undefined, id]
    roles[role] = [...(roles[role] ?? []), ...policy.Properties.PolicyDocument.Statement]
  }
  return roles
}

const actionsOf = ({ Action }: Statement): string[] => (typeof Action === 'string' ? [Action] : [...Action])
const sorted = (actions: readonly string[]): string[] => [...new Set(actions)].sort()
