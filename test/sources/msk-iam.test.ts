import { afterEach, describe, expect, it, vi } from 'vitest'
import { kafkaConnection } from '../../lib/sources/kafka/binding.js'
import type { KafkaLogin } from '../../lib/sources/kafka/connection.js'
import { mskIamToken } from '../../lib/sources/kafka/msk-iam.js'
import { withKafkaSecrets } from '../../lib/sources/kafka/secret.js'

const BROKER = 'b-1.orders.abc123.c2.kafka.eu-west-1.amazonaws.com:9098'
const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'session/token==',
}

const urlOf = (token: string): URL => new URL(Buffer.from(token, 'base64url').toString())

/** What a login asks for when it logs in. */
async function tokenOf(sasl: KafkaLogin | undefined): Promise<URL> {
  expect(sasl?.mechanism).toBe('oauthbearer')
  return urlOf(await (sasl as Extract<KafkaLogin, { mechanism: 'oauthbearer' }>).token())
}

describe('a login to MSK by IAM', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('has the token that AWS’s own signer makes of the same credentials at the same time', async () => {
    const url = urlOf(await mskIamToken('eu-west-1', CREDENTIALS, new Date('2026-11-21T12:00:00Z')))
    expect(`${url.origin}${url.pathname}`).toBe('https://kafka.eu-west-1.amazonaws.com/')
    // By aws-msk-iam-sasl-signer-js 1.0.3, which names itself where this is millrace.
    expect(Object.fromEntries(url.searchParams)).toEqual({
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIDEXAMPLE/20261121/eu-west-1/kafka-cluster/aws4_request',
      'X-Amz-Date': '20261121T120000Z',
      'X-Amz-Expires': '900',
      'X-Amz-Security-Token': 'session/token==',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': '9d8722995d47e687dd721c48265eb2bd73d2aed8e008654b549354f099b5124c',
      'User-Agent': 'millrace',
    })
  })

  it('is by TLS, in the region of the brokers, with the credentials that are there when it logs in', async () => {
    vi.stubEnv('AWS_REGION', 'us-east-1')
    const { ssl, sasl } = await kafkaConnection({ topic: 'orders', brokers: [BROKER], mechanism: 'aws-msk-iam' })
    expect(ssl).toEqual({})
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'first')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    vi.stubEnv('AWS_SESSION_TOKEN', undefined)
    const url = await tokenOf(sasl)
    expect(url.hostname).toBe('kafka.eu-west-1.amazonaws.com')
    expect(url.searchParams.get('X-Amz-Credential')).toMatch(/^first\/\d{8}\/eu-west-1\/kafka-cluster\/aws4_request$/)
    expect(url.searchParams.has('X-Amz-Security-Token')).toBe(false)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'second')
    expect((await tokenOf(sasl)).searchParams.get('X-Amz-Credential')).toMatch(/^second\//)
  })

  it('knows a serverless cluster’s region, and takes AWS_REGION for names of one’s own', async () => {
    vi.stubEnv('AWS_REGION', 'us-east-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    const regionOf = async (broker: string): Promise<string> => {
      const { sasl } = await withKafkaSecrets({ brokers: [broker] }, { mechanism: 'aws-msk-iam' })
      return (await tokenOf(sasl)).hostname
    }
    expect(await regionOf('boot-x1.c3.kafka-serverless.ap-southeast-2.amazonaws.com:9098')).toBe(
      'kafka.ap-southeast-2.amazonaws.com',
    )
    expect(await regionOf('kafka.example.com:9098')).toBe('kafka.us-east-1.amazonaws.com')
  })

  it('that cannot be is one sentence', async () => {
    vi.stubEnv('AWS_REGION', undefined)
    await expect(
      withKafkaSecrets({ brokers: ['kafka.example.com:9098'] }, { mechanism: 'aws-msk-iam' }),
    ).rejects.toThrow(
      /^A login by aws-msk-iam is signed for a region\. .*kafka\.example\.com:9098 does not\. Set AWS_REGION\.$/,
    )
    await expect(
      withKafkaSecrets({ brokers: [BROKER] }, { mechanism: 'aws-msk-iam', credentials: 'env:LOGIN' }),
    ).rejects.toThrow(/a secret is given as well\. Leave the secret out, or give another mechanism\.$/)
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/no/such/file')
    vi.stubEnv('AWS_CONFIG_FILE', '/no/such/file')
    const { sasl } = await withKafkaSecrets({ brokers: [BROKER] }, { mechanism: 'aws-msk-iam' })
    await expect(tokenOf(sasl)).rejects.toThrow(
      /^A login to Kafka by aws-msk-iam needs AWS credentials: .* or a profile\.$/,
    )
  })
})
