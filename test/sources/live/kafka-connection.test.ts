import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../lib/dev/services/daemon.js'
import { ConfigError, RetryableError } from '../../../lib/index.js'
import type { KafkaConnection, KafkaLogin } from '../../../lib/sources/kafka/connection.js'
import { kafkaInspector } from '../../../lib/sources/kafka/inspector.js'
import { describeBroker } from '../../services/local.js'
import { type Certificates, makeCertificates } from './certificates.js'
import { at, KafkaTools, numbered } from './kafka-tools.js'

const PASSWORD = 'hunter2-of-alice'
const plain = (username: string, password = PASSWORD): KafkaLogin => ({ mechanism: 'plain', username, password })
const scram = (password = PASSWORD): KafkaLogin => ({ mechanism: 'scram-sha-512', username: 'alice', password })

/** A JSON web token without a signature. */
function webToken(user: string, given: string[]): string {
  given.push(user)
  const now = Math.floor(Date.now() / 1_000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: user, iat: now, exp: now + 600 })}.`
}

describeBroker('a connection to Kafka', (broker) => {
  let certificates: Certificates
  let tools: KafkaTools
  let silent: Server
  let connections = 0
  let port: {
    plain: string
    login: string
    tls: string
    mutual: string
    loginTls: string
    token: string
    silent: string
    nobody: string
  }
  const ask = async (connection: KafkaConnection, topic = 'orders') => {
    const source = kafkaInspector({ topic, connection })
    try {
      return await source.peek(`${topic}-0`, at(0))
    } finally {
      await source.close()
    }
  }

  beforeAll(async () => {
    const [controller, plainPort] = [await freePort(), await freePort()]
    const local = async () => `127.0.0.1:${await freePort()}`
    silent = createServer(() => void connections++)
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
    port = {
      plain: `127.0.0.1:${plainPort}`,
      login: await local(),
      tls: await local(),
      mutual: await local(),
      loginTls: await local(),
      token: await local(),
      silent: `127.0.0.1:${(silent.address() as { port: number }).port}`,
      nobody: await local(),
    }
    certificates = makeCertificates(join(broker.folder, 'certificates'))
    const jaas = 'org.apache.kafka.common.security'
    const users = `user_alice="${PASSWORD}" user_mallory="${PASSWORD}"`
    await broker.start({
      port: plainPort,
      scram: { alice: PASSWORD },
      properties: {
        'controller.quorum.voters': `1@127.0.0.1:${controller}`,
        listeners: `PLAINTEXT://${port.plain},CONTROLLER://127.0.0.1:${controller},LOGIN://${port.login},TLS://${port.tls},MUTUAL://${port.mutual},LOGINTLS://${port.loginTls},TOKEN://${port.token}`,
        'listener.security.protocol.map':
          'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT,TLS:SSL,MUTUAL:SSL,LOGINTLS:SASL_SSL,TOKEN:SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
        'listener.name.login.plain.sasl.jaas.config': `${jaas}.plain.PlainLoginModule required ${users};`,
        'listener.name.login.scram-sha-512.sasl.jaas.config': `${jaas}.scram.ScramLoginModule required;`,
        'listener.name.logintls.scram-sha-512.sasl.jaas.config': `${jaas}.scram.ScramLoginModule required;`,
        'listener.name.logintls.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        // Takes whom an unsigned JSON web token names.
        'listener.name.token.sasl.enabled.mechanisms': 'OAUTHBEARER',
        'listener.name.token.oauthbearer.sasl.jaas.config': `${jaas}.oauthbearer.OAuthBearerLoginModule required;`,
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': certificates.brokerFile,
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': certificates.authorityFile,
        'listener.name.mutual.ssl.client.auth': 'required',
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS;User:alice;User:CN=client',
      },
    })
    tools = new KafkaTools({ brokers: [port.plain] })
    await tools.admin.connect()
    await tools.create('orders')
    await tools.send('orders', numbered(2))
  })

  afterAll(async () => {
    silent?.close()
    await tools?.close()
  })

  describe('is made', () => {
    it('without TLS or login, with a broker that is gone among its brokers', async () => {
      expect(await ask({ brokers: [port.plain] })).toBe('waiting')
      expect(await ask({ brokers: [port.nobody, port.plain] })).toBe('waiting')
    })

    it.each([
      ['PLAIN', plain('alice')],
      ['SCRAM-SHA-512', scram()],
    ])('with a login by %s', async (_, sasl) => {
      expect(await ask({ brokers: [port.login], sasl })).toBe('waiting')
    })

    it('with a login by a token, asked for at each connection', async () => {
      const users: string[] = []
      const by = (user: string): KafkaLogin => ({ mechanism: 'oauthbearer', token: async () => webToken(user, users) })
      expect(await ask({ brokers: [port.token], sasl: by('alice') })).toBe('waiting')
      expect(users).toContain('alice')
      await expect(ask({ brokers: [port.token], sasl: by('mallory') })).rejects.toThrow(/not authorized|not allowed/i)
    })

    it('with TLS, and a login over it', async () => {
      const ssl = { ca: certificates.authority }
      expect(await ask({ brokers: [port.tls], ssl })).toBe('waiting')
      expect(await ask({ brokers: [port.loginTls], ssl, sasl: scram() })).toBe('waiting')
    })

    it('with a client certificate, its key encrypted or not', async () => {
      const { cert, key, encryptedKey, passphrase } = certificates.client
      const ca = certificates.authority
      expect(await ask({ brokers: [port.mutual], ssl: { ca, cert, key } })).toBe('waiting')
      expect(await ask({ brokers: [port.mutual], ssl: { ca, cert, key: encryptedKey, passphrase } })).toBe('waiting')
    })
  })

  describe('that cannot be made is one sentence, which says no secret', () => {
    const trusting = () => ({ ca: certificates.authority })
    const refusals: Record<
      string,
      [KafkaConnection | (() => KafkaConnection), typeof ConfigError | typeof RetryableError, string]
    > = {
      'a wrong password, PLAIN': [
        () => ({ brokers: [port.login], sasl: plain('alice', 'hunter2-of-nobody') }),
        ConfigError,
        'The Kafka brokers at LOGIN refuse the login by PLAIN. Check the user name, the password and the mechanism.',
      ],
      'a wrong password, SCRAM': [
        () => ({ brokers: [port.login], sasl: scram('hunter2-of-nobody') }),
        ConfigError,
        'The Kafka brokers at LOGIN refuse the login by SCRAM-SHA-512. Check the user name, the password and the mechanism.',
      ],
      'a mechanism that is not enabled': [
        () => ({ brokers: [port.loginTls], ssl: trusting(), sasl: plain('alice') }),
        ConfigError,
        'The Kafka brokers at LOGINTLS do not accept a login by PLAIN. Use a mechanism that this listener enables.',
      ],
      'a token that no listener takes': [
        () => ({ brokers: [port.login], sasl: { mechanism: 'oauthbearer', token: async () => 'hunter2-of-tokens' } }),
        ConfigError,
        'The Kafka brokers at LOGIN do not accept a login by OAUTHBEARER. Use a mechanism that this listener enables.',
      ],
      'a token that is refused': [
        () => ({ brokers: [port.token], sasl: { mechanism: 'oauthbearer', token: async () => 'hunter2-of-tokens' } }),
        ConfigError,
        'The Kafka brokers at TOKEN refuse the login by OAUTHBEARER, or accept no login on this port. Check the token that token() returns.',
      ],
      'a login by IAM that is refused': [
        () => ({
          brokers: [port.token],
          sasl: { mechanism: 'oauthbearer', by: 'aws-msk-iam', token: async () => 'hunter2-of-tokens' },
        }),
        ConfigError,
        'The Kafka brokers at TOKEN refuse the login by IAM, or accept no login on this port. Check that the role or user has kafka-cluster:Connect on the cluster, and that the port is the one for IAM (9098).',
      ],
      'no login where one is wanted': [
        () => ({ brokers: [port.login] }),
        ConfigError,
        'The Kafka brokers at LOGIN close the connection at its first request: this port requires a login. Give sasl, or use a port without SASL.',
      ],
      'a login where none is taken': [
        () => ({ brokers: [port.plain], sasl: plain('alice') }),
        ConfigError,
        'The Kafka brokers at PLAIN do not accept a login on this port. Leave sasl out, or use the port of a SASL listener.',
      ],
      'TLS to a plain port': [
        () => ({ brokers: [port.plain], ssl: trusting() }),
        ConfigError,
        'The Kafka brokers at PLAIN do not use TLS on this port. Leave ssl out, or use the port of a TLS listener.',
      ],
      'plain to a TLS port': [
        () => ({ brokers: [port.tls] }),
        ConfigError,
        'The Kafka brokers at TLS close a plain connection without an answer: this port requires TLS. Set ssl: true, or use a port without TLS.',
      ],
      'an authority that Node does not know': [
        () => ({ brokers: [port.tls], ssl: true }),
        ConfigError,
        'The certificate of the Kafka brokers at TLS is signed by an authority that is not trusted here. Give its certificate as ssl.ca.',
      ],
      'another authority': [
        () => ({ brokers: [port.tls], ssl: { ca: certificates.stranger } }),
        ConfigError,
        'The certificate of the Kafka brokers at TLS is signed by an authority that is not trusted here. Give its certificate as ssl.ca.',
      ],
      'a name that the certificate does not have': [
        () => ({ brokers: [port.tls.replace('127.0.0.1', 'localhost')], ssl: trusting() }),
        ConfigError,
        'The certificate of the Kafka brokers at LOCALHOST is issued for other names. Use the names that it lists as brokers.',
      ],
      'no client certificate where one is wanted': [
        () => ({ brokers: [port.mutual], ssl: trusting() }),
        ConfigError,
        'The Kafka brokers at MUTUAL require a client certificate that they trust. Give ssl.cert and ssl.key.',
      ],
      'nobody at the port': [
        () => ({ brokers: [port.nobody] }),
        RetryableError,
        'No Kafka broker answers at NOBODY (ECONNREFUSED). Check the host and port, the network, and that the broker is running.',
      ],
      'a host that does not exist': [
        { brokers: ['no-such-host.invalid:9092'] },
        RetryableError,
        'No Kafka broker answers at no-such-host.invalid:9092 (ENOTFOUND). Check the host and port, the network, and that the broker is running.',
      ],
    }

    it.each(Object.keys(refusals))('%s', async (name) => {
      const [given, kind, sentence] = refusals[name]!
      const error = await ask(typeof given === 'function' ? given() : given).then(
        (answer) => `no refusal: ${answer}`,
        (thrown) => thrown,
      )
      expect(error).toBeInstanceOf(kind)
      let said: string = error.message.replace(port.tls.replace('127.0.0.1', 'localhost'), 'LOCALHOST')
      for (const [role, place] of Object.entries(port)) said = said.replaceAll(place, role.toUpperCase())
      expect(said.replace('EAI_AGAIN', 'ENOTFOUND')).toBe(sentence)
      // Whoever logs the whole error, with what caused it, logs no secret.
      expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/hunter2|PRIVATE KEY/)
    })

    it('a topic that does not exist, or that the login may not read', async () => {
      await expect(ask({ brokers: [port.plain] }, 'ordres')).rejects.toThrow(
        new ConfigError(
          'unknown-topic',
          `The Kafka topic "ordres" does not exist at ${port.plain}. Check its name and the brokers, or create it.`,
        ),
      )
      await expect(ask({ brokers: [port.login], sasl: plain('mallory') })).rejects.toThrow(
        new ConfigError(
          'no-permission',
          `The Kafka login is not allowed to read the topic "orders" at ${port.login}. Give it the ACLs Describe and Read on that topic.`,
        ),
      )
    })

    it('a broker that takes connections and says nothing is given up in time', async () => {
      const error = await ask({ brokers: [port.silent] }).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(RetryableError)
      expect(error.message).toMatch(/^No Kafka broker answers at .* \(ETIMEDOUT\)\./)
      // Each of its tries takes one, and one more where kafkajs asks again.
      expect(connections).toBeGreaterThan(0)
      expect(connections).toBeLessThanOrEqual(6)
    })
  })
})

describe('a connection to Kafka that makes no sense is refused before it is tried', () => {
  const refused = (connection: unknown, topic = 'orders'): Error => {
    try {
      kafkaInspector({ topic, connection: connection as KafkaConnection })
    } catch (error) {
      return error as Error
    }
    throw new Error('It was taken.')
  }

  it.each([
    [{ brokers: [] }, 'bad-brokers', "A Kafka connection needs brokers: at least one 'host:port'; it has []."],
    [{ brokers: 'a:1' }, 'bad-brokers', 'A Kafka connection needs brokers: at least one \'host:port\'; it has "a:1".'],
    [
      { brokers: ['kafka'] },
      'bad-brokers',
      "A Kafka broker is given as 'host:port', such as 'kafka.example.com:9092'; this one is \"kafka\".",
    ],
    [
      { brokers: ['a:1'], ssl: { cert: 'hunter2' } },
      'bad-tls',
      'A client certificate of a Kafka connection needs both cert and key; one of them is missing.',
    ],
    [
      { brokers: ['a:1'], ssl: { ca: 'hunter2' } },
      'bad-tls',
      "ca of a Kafka connection is a certificate in PEM ('-----BEGIN CERTIFICATE-----'); this one cannot be read.",
    ],
    [
      { brokers: ['a:1'], ssl: { cert: 'hunter2', key: 'hunter2' } },
      'bad-tls',
      'cert and key of a Kafka connection are PEM texts that belong together, with the passphrase if the key is encrypted; these cannot be used.',
    ],
    [
      { brokers: ['a:1'], sasl: { mechanism: 'PLAIN', username: 'u', password: 'hunter2' } },
      'bad-sasl',
      'sasl.mechanism of a Kafka connection is one of plain, scram-sha-256, scram-sha-512, oauthbearer; it is "PLAIN".',
    ],
    [
      { brokers: ['a:1'], sasl: { mechanism: 'plain', username: 'u', password: '' } },
      'bad-sasl',
      'sasl.password of a Kafka connection by plain is missing or empty.',
    ],
    [
      { brokers: ['a:1'], sasl: { mechanism: 'oauthbearer' } },
      'bad-sasl',
      'sasl.token of a Kafka connection by oauthbearer is a function that returns a promise of a token; it is missing.',
    ],
  ])('%j', (connection, code, sentence) => {
    const error = refused(connection)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error).toMatchObject({ code, message: sentence })
    expect(inspect(error, { showHidden: true })).not.toContain('hunter2')
  })

  it('so is a topic that no broker would take', () => {
    expect(refused({ brokers: ['a:1'] }, 'a b').message).toBe(
      "The name of a Kafka topic is 1 to 249 letters, digits, '.', '_' or '-'; it is \"a b\".",
    )
  })
})
