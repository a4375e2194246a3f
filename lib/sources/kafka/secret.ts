import { readFile } from 'node:fs/promises'
import { judgeError } from '../../aws/failure.js'
import { load } from '../../aws/load.js'
import { ConfigError, RetryableError } from '../../base/index.js'
import type { KafkaConnection, KafkaLogin, KafkaTls } from './connection.js'

/** The content of a secret for a Kafka mapping: the same JSON that Lambda's own mappings read. */
export type KafkaSecret =
  | { readonly kind: 'login'; readonly username: string; readonly password: string }
  | {
      readonly kind: 'client-certificate'
      readonly certificate: string
      readonly privateKey: string
      readonly privateKeyPassword?: string
    }
  | { readonly kind: 'root-ca'; readonly certificate: string }

/** Reads the text of a secret by its ARN in Secrets Manager. */
export type SecretReader = (arn: string) => Promise<string>

const ARN = /^arn:[^:]+:secretsmanager:([^:]+):[^:]*:secret:.+$/

/**
 * Loads a secret: `env:NAME`, `file:PATH`, or the ARN of a secret in Secrets Manager. Its JSON is `{ username, password
 * }`, `{ certificate, privateKey, privateKeyPassword? }`, or `{ certificate }` for a root CA. No message contains any
 * part of it.
 */
export async function loadKafkaSecret(reference: string, read: SecretReader = readSecret): Promise<KafkaSecret> {
  return parse(await textOf(reference, read), reference)
}

export const KAFKA_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'aws-msk-iam'] as const
export type KafkaMechanism = (typeof KAFKA_MECHANISMS)[number]

/** The secrets that complete a connection, named like a mapping's source access configurations. */
export interface KafkaSecrets {
  /** A login, or a client certificate. */
  readonly credentials?: string
  /**
   * The mechanism of a login. Default `scram-sha-512`, which MSK uses. `aws-msk-iam` needs no credentials here: it logs
   * in with the AWS credentials of the process, over TLS.
   */
  readonly mechanism?: KafkaMechanism
  /** The certificate of the authority that signed the brokers' certificates. */
  readonly rootCa?: string
}

/**
 * Completes a connection with secrets. A client certificate, a root CA and a login by IAM turn TLS on. A login of
 * Kafka's own leaves `ssl` unchanged.
 */
export async function withKafkaSecrets(
  connection: KafkaConnection,
  secrets: KafkaSecrets,
  read: SecretReader = readSecret,
): Promise<KafkaConnection> {
  let tls: KafkaTls | undefined = typeof connection.ssl === 'object' ? connection.ssl : undefined
  let sasl: KafkaLogin | undefined = connection.sasl
  if (secrets.rootCa !== undefined) {
    const secret = await loadKafkaSecret(secrets.rootCa, read)
    if (secret.kind !== 'root-ca') throw unfit(secrets.rootCa, 'a root CA', '{ certificate }')
    tls = { ...tls, ca: secret.certificate }
  }
  if (secrets.mechanism === 'aws-msk-iam') {
    if (secrets.credentials !== undefined)
      throw new ConfigError(
        'bad-sasl',
        'A login to Kafka by aws-msk-iam uses the AWS credentials of the process; a secret is given as well. Leave the secret out, or give another mechanism.',
      )
    const { mskIamLogin } = await import('./msk-iam.js')
    tls ??= {}
    sasl = mskIamLogin(connection.brokers)
  } else if (secrets.credentials !== undefined) {
    const secret = await loadKafkaSecret(secrets.credentials, read)
    if (secret.kind === 'root-ca') {
      throw unfit(secrets.credentials, 'credentials', '{ username, password } or { certificate, privateKey }')
    }
    if (secret.kind === 'login') {
      const { username, password } = secret
      sasl = { mechanism: secrets.mechanism ?? 'scram-sha-512', username, password }
    } else {
      const { certificate, privateKey, privateKeyPassword } = secret
      tls = {
        ...tls,
        cert: certificate,
        key: privateKey,
        ...(privateKeyPassword !== undefined && { passphrase: privateKeyPassword }),
      }
    }
  }
  return { ...connection, ...(tls !== undefined && { ssl: tls }), ...(sasl !== undefined && { sasl }) }
}

async function textOf(reference: string, read: SecretReader): Promise<string> {
  if (reference.startsWith('env:')) {
    const text = process.env[reference.slice('env:'.length)]
    if (text !== undefined && text !== '') return text
    throw new ConfigError('no-secret', `The secret ${reference} names an environment variable that is not set.`)
  }
  if (reference.startsWith('file:')) {
    try {
      return await readFile(reference.slice('file:'.length), 'utf8')
    } catch (error) {
      throw new ConfigError(
        'no-secret',
        `The secret ${reference} cannot be read: ${(error as NodeJS.ErrnoException).code}.`,
      )
    }
  }
  if (ARN.test(reference)) return read(reference)
  throw new ConfigError(
    'bad-secret-reference',
    "A Kafka secret is given as 'env:NAME', 'file:PATH' or the ARN of a secret in Secrets Manager; this reference is none of them. It is not shown because it may be the secret itself.",
  )
}

function parse(text: string, reference: string): KafkaSecret {
  let secret: any
  try {
    secret = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    throw unfit(reference, 'JSON', 'an object')
  }
  const has = (name: string): boolean => typeof secret?.[name] === 'string' && secret[name] !== ''
  if (has('username') && has('password')) {
    return { kind: 'login', username: secret.username, password: secret.password }
  }
  if (has('certificate') && has('privateKey')) {
    return {
      kind: 'client-certificate',
      certificate: secret.certificate,
      privateKey: secret.privateKey,
      ...(has('privateKeyPassword') && { privateKeyPassword: secret.privateKeyPassword }),
    }
  }
  if (has('certificate')) return { kind: 'root-ca', certificate: secret.certificate }
  throw unfit(
    reference,
    'a secret of a Kafka mapping',
    '{ username, password }, { certificate, privateKey, privateKeyPassword } or { certificate }',
  )
}

function unfit(reference: string, what: string, shape: string): ConfigError {
  return new ConfigError(
    'bad-secret',
    `The secret ${reference} must be ${what}: ${shape}, each a text that is not empty. It is not.`,
  )
}

const CALL_MS = 5_000

async function readSecret(arn: string): Promise<string> {
  const { SecretsManagerClient, GetSecretValueCommand } = await load(
    'A Kafka secret by its ARN',
    '@aws-sdk/client-secrets-manager',
    () => import('@aws-sdk/client-secrets-manager'),
  )
  const client = new SecretsManagerClient({ region: ARN.exec(arn)![1]! })
  try {
    const abortSignal = AbortSignal.timeout(CALL_MS)
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }), { abortSignal })
    if (typeof SecretString === 'string') return SecretString
    throw new ConfigError('bad-secret', `The secret ${arn} holds bytes; a Kafka secret is JSON text (SecretString).`)
  } catch (error: any) {
    if (error instanceof ConfigError) throw error
    const name = String(error?.name)
    if (judgeError(error) === 'refused') {
      throw new ConfigError(
        'no-secret',
        `The secret ${arn} cannot be read: ${name}. Check that it exists and that the role has secretsmanager:GetSecretValue on it.`,
      )
    }
    throw new RetryableError('no-secret', `Secrets Manager did not return the secret ${arn}: ${name}.`)
  } finally {
    client.destroy()
  }
}
