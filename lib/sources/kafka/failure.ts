import { ConfigError, MillraceError, RetryableError } from '../../base/index.js'
import type { KafkaConnection } from './connection.js'

/** When a call failed: while a connection was opened, at the first request on it, or later. */
export type Phase = 'connect' | 'first-request' | 'request'

export interface Asked {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly group?: string
  readonly phase: Phase
}

const UNREACHABLE = ['ECONNREFUSED', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']
const UNTRUSTED = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]

/**
 * Explains an error of kafkajs in one sentence: a `ConfigError` if the operator has to fix something, otherwise a
 * `RetryableError`. kafkajs wraps errors in each other, so the whole chain of causes is examined. Only texts of kafkajs
 * that contain no secret are passed on, and the cause is dropped.
 */
export function explainKafka(thrown: unknown, { connection, topic, group, phase }: Asked): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  const errors = chainOf(thrown)
  const where = `at ${connection.brokers.join(', ')}`
  const has = (test: (error: Link) => boolean): boolean => errors.some(test)
  const isType = (type: string) => has((error) => error.type === type)
  const isCode = (...codes: string[]) => has((error) => codes.includes(String(error.code)))
  const matches = (pattern: RegExp) => has((error) => pattern.test(error.message))

  if (isType('UNKNOWN_TOPIC_OR_PARTITION') || isType('INVALID_TOPIC_EXCEPTION')) {
    return new ConfigError(
      'unknown-topic',
      `The Kafka topic "${topic}" does not exist ${where}. Check its name and the brokers, or create it.`,
    )
  }
  if (isType('TOPIC_AUTHORIZATION_FAILED')) {
    return new ConfigError(
      'no-permission',
      `The Kafka login is not allowed to read the topic "${topic}" ${where}. Give it ${isIam(connection) ? 'kafka-cluster:DescribeTopic and kafka-cluster:ReadData' : 'the ACLs Describe and Read'} on that topic.`,
    )
  }
  if (isType('GROUP_AUTHORIZATION_FAILED')) {
    return new ConfigError(
      'no-permission',
      `The Kafka login is not allowed to use the consumer group "${group ?? ''}" ${where}. Give it ${isIam(connection) ? 'kafka-cluster:DescribeGroup and kafka-cluster:AlterGroup' : 'the ACL Read'} on that group.`,
    )
  }
  const login = explainLogin(connection, where, isType, matches)
  if (login !== undefined) return login
  const tls = explainTls(connection, where, phase, isCode, matches)
  if (tls !== undefined) return tls
  if (phase === 'first-request' && connection.sasl === undefined && matches(/closed connection/i)) {
    return new ConfigError(
      'no-login',
      `The Kafka brokers ${where} close the connection at its first request: this port requires a login. Give sasl, or use a port without SASL.`,
    )
  }
  if (isCode(...UNREACHABLE) || matches(/connection timeout|timed out|broker not connected/i)) {
    const [code] = errors.flatMap((error) => (UNREACHABLE.includes(String(error.code)) ? [error.code] : []))
    return new RetryableError(
      'unreachable',
      `No Kafka broker answers ${where} (${code ?? 'ETIMEDOUT'}). Check the host and port, the network, and that the broker is running.`,
    )
  }
  const last = errors.at(-1)
  return new RetryableError(
    'kafka-failed',
    `Kafka ${where} failed a request for the topic "${topic}": ${last?.name}: ${last?.message}`,
  )
}

const isIam = ({ sasl }: { readonly sasl?: KafkaConnection['sasl'] | undefined }): boolean =>
  sasl?.mechanism === 'oauthbearer' && sasl.by === 'aws-msk-iam'

function explainLogin(
  { sasl }: KafkaConnection,
  where: string,
  isType: (type: string) => boolean,
  matches: (pattern: RegExp) => boolean,
): MillraceError | undefined {
  const mechanism = sasl?.mechanism.toUpperCase()
  if (matches(/mechanism is not supported/i) || isType('UNSUPPORTED_SASL_MECHANISM')) {
    return new ConfigError(
      'bad-sasl',
      `The Kafka brokers ${where} do not accept a login by ${mechanism}. Use a mechanism that this listener enables.`,
    )
  }
  // kafkajs continues after a refused token, and the broker answers with this error.
  if (isType('ILLEGAL_SASL_STATE') && sasl?.mechanism === 'oauthbearer') return refusedToken(where, isIam({ sasl }))
  if (isType('ILLEGAL_SASL_STATE')) {
    return new ConfigError(
      'bad-sasl',
      `The Kafka brokers ${where} do not accept a login on this port. Leave sasl out, or use the port of a SASL listener.`,
    )
  }
  if (isType('SASL_AUTHENTICATION_FAILED') || matches(/^SASL .*(failed|Invalid)/)) {
    if (sasl?.mechanism === 'oauthbearer') return refusedToken(where, isIam({ sasl }))
    return new ConfigError(
      'bad-login',
      `The Kafka brokers ${where} refuse the login by ${mechanism}. Check the user name, the password and the mechanism.`,
    )
  }
  return undefined
}

function refusedToken(where: string, byIam: boolean): ConfigError {
  const what = byIam
    ? 'login by IAM, or accept no login on this port. Check that the role or user has kafka-cluster:Connect on the cluster, and that the port is the one for IAM (9098)'
    : 'login by OAUTHBEARER, or accept no login on this port. Check the token that token() returns'
  return new ConfigError('bad-login', `The Kafka brokers ${where} refuse the ${what}.`)
}

function explainTls(
  { ssl }: KafkaConnection,
  where: string,
  phase: Phase,
  isCode: (...codes: string[]) => boolean,
  matches: (pattern: RegExp) => boolean,
): MillraceError | undefined {
  if (!ssl) {
    // Brokers also close idle connections, but not one that was just opened.
    const wantsTls =
      phase === 'connect' && (matches(/closed (the )?connection|connection closed/i) || isCode('ECONNRESET', 'EPIPE'))
    return wantsTls
      ? new ConfigError(
          'wants-tls',
          `The Kafka brokers ${where} close a plain connection without an answer: this port requires TLS. Set ssl: true, or use a port without TLS.`,
        )
      : undefined
  }
  if (isCode(...UNTRUSTED)) {
    return new ConfigError(
      'untrusted',
      `The certificate of the Kafka brokers ${where} is signed by an authority that is not trusted here. Give its certificate as ssl.ca.`,
    )
  }
  if (isCode('CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID')) {
    return new ConfigError(
      'untrusted',
      `The certificate of the Kafka brokers ${where} has expired or is not valid yet. Renew it, or correct this machine's clock.`,
    )
  }
  if (isCode('ERR_TLS_CERT_ALTNAME_INVALID')) {
    return new ConfigError(
      'untrusted',
      `The certificate of the Kafka brokers ${where} is issued for other names. Use the names that it lists as brokers.`,
    )
  }
  if (matches(/certificate required|bad certificate|unknown ca|alert handshake failure/i)) {
    return new ConfigError(
      'no-certificate',
      `The Kafka brokers ${where} require a client certificate that they trust. Give ssl.cert and ssl.key.`,
    )
  }
  if (
    phase === 'connect' &&
    (isCode('ECONNRESET', 'EPROTO', 'EPIPE') ||
      matches(/before secure TLS connection|wrong version number|closed connection/i))
  ) {
    return new ConfigError(
      'no-tls',
      `The Kafka brokers ${where} do not use TLS on this port. Leave ssl out, or use the port of a TLS listener.`,
    )
  }
  return undefined
}

interface Link {
  readonly name: string
  readonly message: string
  readonly type?: string
  readonly code?: string | number
}

const CHAIN_MAX = 10

function chainOf(thrown: unknown): Link[] {
  const chain: Link[] = []
  let error: any = thrown
  while (error instanceof Error && chain.length < CHAIN_MAX) {
    chain.push(error as Link)
    error = error.cause
  }
  if (chain.length === 0) chain.push({ name: 'Error', message: String(thrown) })
  return chain
}
