import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificates {
  /** Files for a broker: its key with its certificate, and the authority. */
  readonly brokerFile: string
  readonly authorityFile: string
  /** PEM texts for a client. */
  readonly authority: string
  readonly stranger: string
  readonly client: {
    readonly cert: string
    readonly key: string
    readonly encryptedKey: string
    readonly passphrase: string
  }
}

const OPENSSL = 'openssl'

/** An authority, a broker on 127.0.0.1 and a client that it signed, and another authority that signed neither. */
export function makeCertificates(folder: string): Certificates {
  mkdirSync(folder, { recursive: true })
  const openssl = (...args: string[]): void => void execFileSync(OPENSSL, args, { cwd: folder, stdio: 'pipe' })
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const name of ['authority', 'stranger']) {
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    )
  }
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1')
  for (const name of ['broker', 'client']) {
    openssl('req', '-new', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const signer = ['-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial']
    openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-days', '2', '-extfile', 'names', '-out', `${name}.pem`)
  }
  const passphrase = 'hunter2-of-the-key'
  openssl('pkcs8', '-topk8', '-in', 'client.key', '-passout', `pass:${passphrase}`, '-out', 'client.encrypted.key')
  writeFileSync(join(folder, 'broker.keystore.pem'), read('broker.key') + read('broker.pem'))
  return {
    brokerFile: join(folder, 'broker.keystore.pem'),
    authorityFile: join(folder, 'authority.pem'),
    authority: read('authority.pem'),
    stranger: read('stranger.pem'),
    client: {
      cert: read('client.pem'),
      key: read('client.key'),
      encryptedKey: read('client.encrypted.key'),
      passphrase,
    },
  }
}
