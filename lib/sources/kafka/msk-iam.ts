import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { load } from '../../aws/load.js'
import { ConfigError } from '../../base/index.js'
import type { KafkaLogin } from './connection.js'

/** The credentials that sign a request. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** The names of MSK brokers, provisioned or serverless, contain their region. */
const MSK_HOST = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?:\d+$/
/** The longest lifetime that MSK accepts. */
const EXPIRES_IN_S = 900

/**
 * A login to Amazon MSK as the role or user of the current AWS credentials: IAM access control, port 9098 (inside a
 * VPC).
 * @throws {ConfigError} no-region if neither the brokers' names nor AWS_REGION contain the region
 */
export function mskIamLogin(brokers: readonly string[]): KafkaLogin {
  const region = regionOf(brokers)
  return {
    mechanism: 'oauthbearer',
    by: 'aws-msk-iam',
    token: async () => await mskIamToken(region, await credentials()),
  }
}

function regionOf(brokers: readonly string[]): string {
  const named = brokers.flatMap((broker) => MSK_HOST.exec(broker)?.[1] ?? [])[0]
  const region = named ?? process.env.AWS_REGION
  if (region !== undefined && region !== '') return region
  throw new ConfigError(
    'no-region',
    `A login by aws-msk-iam is signed for a region. MSK brokers have the region in their names (b-1.orders.abc.c2.kafka.eu-west-1.amazonaws.com:9098); ${brokers.join(', ')} does not. Set AWS_REGION.`,
  )
}

async function credentials(): Promise<AwsCredentials> {
  const { defaultProvider } = await load(
    'A login to Kafka by aws-msk-iam',
    '@aws-sdk/credential-provider-node',
    () => import('@aws-sdk/credential-provider-node'),
  )
  try {
    return await defaultProvider()()
  } catch (error: any) {
    throw new ConfigError(
      'no-credentials',
      `A login to Kafka by aws-msk-iam needs AWS credentials: ${error?.message}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile.`,
    )
  }
}

/**
 * The token of a login: the URL of a signed request for `kafka-cluster:Connect`, in base64url. It has the format of
 * AWS's own signers for MSK (aws-msk-iam-sasl-signer), which would add a second SDK.
 */
export async function mskIamToken(region: string, credentials: AwsCredentials, signingDate?: Date): Promise<string> {
  const { SignatureV4 } = await load(
    'A login to Kafka by aws-msk-iam',
    '@smithy/signature-v4',
    () => import('@smithy/signature-v4'),
  )
  const hostname = `kafka.${region}.amazonaws.com`
  const signer = new SignatureV4({
    service: 'kafka-cluster',
    region,
    credentials,
    sha256: Sha256,
    applyChecksum: false,
  })
  const { query } = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname,
      path: '/',
      headers: { host: hostname },
      query: { Action: 'kafka-cluster:Connect' },
    },
    { expiresIn: EXPIRES_IN_S, ...(signingDate !== undefined && { signingDate }) },
  )
  // The brokers' logs show the user agent; it is not part of the signed request.
  const named = { ...query, 'User-Agent': 'millrace' } as Readonly<Record<string, string>>
  return Buffer.from(`https://${hostname}/?${new URLSearchParams(named).toString()}`).toString('base64url')
}

type SourceData = string | ArrayBuffer | ArrayBufferView

/** Node's hash, with the interface that the signer expects. With a secret it is a MAC. */
class Sha256 {
  private readonly secret: SourceData | undefined
  private hash!: Hash | Hmac

  constructor(secret?: SourceData) {
    this.secret = secret
    this.reset()
  }

  update(data: Uint8Array): void {
    this.hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest()
  }

  reset(): void {
    this.hash = this.secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.secret))
  }
}

const bytesOf = (data: SourceData): string | Uint8Array => {
  if (typeof data === 'string') return data
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
