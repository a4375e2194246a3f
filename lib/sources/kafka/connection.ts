import { createSecureContext } from 'node:tls'
import { ConfigError, shown } from '../../base/index.js'

/** How to connect to a Kafka cluster. */
export interface KafkaConnection {
  /** `host:port` of some brokers; the others are discovered through them. */
  readonly brokers: readonly string[]
  /** TLS: `true` trusts the certificate authorities that Node trusts. */
  readonly ssl?: boolean | KafkaTls
  readonly sasl?: KafkaLogin
  /** The name of this client in the brokers' logs and quotas. Default `millrace`. */
  readonly clientId?: string
}

/** PEM texts. */
export interface KafkaTls {
  /** The certificate of the authority that signed the brokers' certificates, if Node does not trust it. */
  readonly ca?: string
  /** A certificate and its key, for brokers that ask for one (mutual TLS). */
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
}

export type KafkaLogin =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'oauthbearer'
      /** Called for a token at every new connection. IAM access control of MSK uses this, with its own signer. */
      readonly token: () => Promise<string>
      /** The issuer of the token, for messages. */
      readonly by?: 'aws-msk-iam'
    }

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']
const BROKER = /^[^\s:/]+:\d{1,5}$/

/** Refuses a connection that cannot work. No message contains any part of a key or a password. */
export function checkConnection({ brokers, ssl, sasl }: KafkaConnection): void {
  if (!Array.isArray(brokers) || brokers.length === 0) {
    throw new ConfigError(
      'bad-brokers',
      `A Kafka connection needs brokers: at least one 'host:port'; it has ${shown(brokers)}.`,
    )
  }
  for (const broker of brokers) {
    if (typeof broker === 'string' && BROKER.test(broker)) continue
    throw new ConfigError(
      'bad-brokers',
      `A Kafka broker is given as 'host:port', such as 'kafka.example.com:9092'; this one is ${shown(broker)}.`,
    )
  }
  if (typeof ssl === 'object') checkTls(ssl)
  if (sasl !== undefined) checkLogin(sasl)
}

function checkTls({ ca, cert, key, passphrase }: KafkaTls): void {
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError(
      'bad-tls',
      'A client certificate of a Kafka connection needs both cert and key; one of them is missing.',
    )
  }
  // OpenSSL's own messages may quote what it read.
  if (!isSound({ ca })) {
    throw new ConfigError(
      'bad-tls',
      "ca of a Kafka connection is a certificate in PEM ('-----BEGIN CERTIFICATE-----'); this one cannot be read.",
    )
  }
  if (!isSound({ cert, key, passphrase })) {
    throw new ConfigError(
      'bad-tls',
      'cert and key of a Kafka connection are PEM texts that belong together, with the passphrase if the key is encrypted; these cannot be used.',
    )
  }
}

function isSound(tls: {
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  passphrase?: string | undefined
}): boolean {
  try {
    createSecureContext(tls)
    // OpenSSL silently ignores a CA text that contains no certificate.
    return tls.ca === undefined || tls.ca.includes('-----BEGIN ')
  } catch {
    return false
  }
}

function checkLogin(sasl: KafkaLogin): void {
  if (!MECHANISMS.includes(sasl.mechanism)) {
    throw new ConfigError(
      'bad-sasl',
      `sasl.mechanism of a Kafka connection is one of ${MECHANISMS.join(', ')}; it is ${shown(sasl.mechanism)}.`,
    )
  }
  if (sasl.mechanism === 'oauthbearer') {
    if (typeof sasl.token === 'function') return
    throw new ConfigError(
      'bad-sasl',
      'sasl.token of a Kafka connection by oauthbearer is a function that returns a promise of a token; it is missing.',
    )
  }
  for (const field of ['username', 'password'] as const) {
    if (typeof sasl[field] === 'string' && sasl[field] !== '') continue
    throw new ConfigError('bad-sasl', `sasl.${field} of a Kafka connection by ${sasl.mechanism} is missing or empty.`)
  }
}
