import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { ConfigError } from '../../../lib/index.js'
import { loadKafkaSecret, withKafkaSecrets } from '../../../lib/sources/kafka/secret.js'

const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_orders-AbCdEf'
const LOGIN = { username: 'alice', password: 'hunter2' }
const CERTIFICATE = { certificate: 'PEM of cert', privateKey: 'hunter2 of key', privateKeyPassword: 'hunter2 of pass' }

describe('a secret of Kafka', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-secret-'))
  const file = (text: string): string => {
    writeFileSync(join(folder, 'secret'), text)
    return `file:${join(folder, 'secret')}`
  }
  afterEach(() => {
    vi.unstubAllEnvs()
  })
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it('is read from the environment, a file or Secrets Manager, in the forms of Lambda’s own mappings', async () => {
    vi.stubEnv('KAFKA_LOGIN', JSON.stringify(LOGIN))
    expect(await loadKafkaSecret('env:KAFKA_LOGIN')).toEqual({ kind: 'login', ...LOGIN })
    expect(await loadKafkaSecret(file(JSON.stringify(CERTIFICATE)))).toEqual({
      kind: 'client-certificate',
      ...CERTIFICATE,
    })
    const asked: string[] = []
    const read = async (arn: string): Promise<string> => {
      asked.push(arn)
      return JSON.stringify({ certificate: 'PEM of an authority' })
    }
    expect(await loadKafkaSecret(ARN, read)).toEqual({ kind: 'root-ca', certificate: 'PEM of an authority' })
    expect(asked).toEqual([ARN])
  })

  it('completes a connection', async () => {
    const secrets: Record<string, object> = { login: LOGIN, certificate: CERTIFICATE, ca: { certificate: 'PEM of CA' } }
    const read = async (arn: string): Promise<string> => JSON.stringify(secrets[arn.split(':').at(-1)!])
    const named = (name: string): string => `arn:aws:secretsmanager:eu-west-1:1:secret:${name}`
    const plain = { brokers: ['a:1'] }
    expect(await withKafkaSecrets(plain, {}, read)).toEqual(plain)
    expect(await withKafkaSecrets({ ...plain, ssl: true }, { credentials: named('login') }, read)).toEqual({
      ...plain,
      ssl: true,
      sasl: { mechanism: 'scram-sha-512', ...LOGIN },
    })
    expect(
      await withKafkaSecrets(plain, { credentials: named('login'), mechanism: 'plain', rootCa: named('ca') }, read),
    ).toEqual({ ...plain, ssl: { ca: 'PEM of CA' }, sasl: { mechanism: 'plain', ...LOGIN } })
    expect(await withKafkaSecrets(plain, { credentials: named('certificate'), rootCa: named('ca') }, read)).toEqual({
      ...plain,
      ssl: { ca: 'PEM of CA', cert: 'PEM of cert', key: 'hunter2 of key', passphrase: 'hunter2 of pass' },
    })
    await expect(withKafkaSecrets(plain, { credentials: named('ca') }, read)).rejects.toThrow(
      `The secret ${named('ca')} must be credentials: { username, password } or { certificate, privateKey }, each a text that is not empty. It is not.`,
    )
    await expect(withKafkaSecrets(plain, { rootCa: named('login') }, read)).rejects.toThrow(
      `The secret ${named('login')} must be a root CA: { certificate }`,
    )
  })

  it.each([
    ['no JSON', 'hunter2'],
    ['cut off', '{"username":"alice","password":"hunter2'],
    ['no object', '"hunter2"'],
    ['null', 'null'],
    ['half a login', '{"password":"hunter2"}'],
    ['an empty password', '{"username":"hunter2","password":""}'],
    ['a key without its certificate', '{"privateKey":"hunter2"}'],
    ['numbers', '{"username":"hunter2","password":2}'],
  ])('that is %s is refused without a word of it', async (_, text) => {
    const error = await loadKafkaSecret(file(text)).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.code).toBe('bad-secret')
    expect(error.message).toMatch(/^The secret file:\S+ must be .*\. It is not\.$/)
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('hunter2')
  })

  it('that is not there, or is no reference at all, is one sentence', async () => {
    await expect(loadKafkaSecret('env:NOT_SET')).rejects.toThrow(
      new ConfigError('no-secret', 'The secret env:NOT_SET names an environment variable that is not set.'),
    )
    await expect(loadKafkaSecret('file:/no/such/file')).rejects.toThrow(
      new ConfigError('no-secret', 'The secret file:/no/such/file cannot be read: ENOENT.'),
    )
    const pasted = await loadKafkaSecret('{"username":"alice","password":"hunter2"}').catch((thrown) => thrown)
    expect(pasted).toMatchObject({ code: 'bad-secret-reference' })
    expect(inspect(pasted, { showHidden: true })).not.toContain('hunter2')
  })
})
