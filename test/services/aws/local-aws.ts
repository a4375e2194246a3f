import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { ask, type Lent } from '../lend.js'
import { logOf } from './server.js'
import type { AwsTools } from './tools.js'

const execute = promisify(execFile)
export const ACCOUNT = '123456789012'
export const REGION = 'eu-west-1'

/** An AWS of this machine's own, into which the CDK deploys: empty, and lent to one suite. */
export class LocalAws {
  readonly endpoint: string
  private readonly lent: Lent
  /** What the server had written before. */
  private readFrom = 0

  private constructor(lent: Lent) {
    this.lent = lent
    this.endpoint = lent.endpoint
  }

  static async start({ python }: AwsTools): Promise<LocalAws> {
    const aws = new LocalAws(await ask({ do: 'lend', name: 'aws', path: python }))
    if (aws.lent.isUsed) await fetch(`${aws.endpoint}/moto-api/reset`, { method: 'POST' })
    aws.forgetInert()
    return aws
  }

  /** Types of stacks that it does not know, of those made since it was asked to forget. */
  get inert(): ReadonlySet<string> {
    const written = readFileSync(logOf(this.lent.folder), 'utf8').slice(this.readFrom)
    return new Set([...written.matchAll(/^INERT (\S+)/gm)].map(([, type]) => type!))
  }

  forgetInert(): void {
    this.readFrom = readFileSync(logOf(this.lent.folder), 'utf8').length
  }

  get env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ENDPOINT_URL_S3: this.endpoint,
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_DEFAULT_ACCOUNT: ACCOUNT,
      CDK_DEFAULT_REGION: REGION,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
    }
  }

  /** Runs the CDK's command; throws what it printed where it fails. */
  async cdk(...args: string[]): Promise<string> {
    try {
      const { stdout, stderr } = await execute(
        process.execPath,
        ['node_modules/aws-cdk/bin/cdk', ...args, '--no-notices'],
        {
          env: this.env,
          maxBuffer: 64 * 1024 * 1024,
        },
      )
      return stdout + stderr
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      throw new Error(`cdk ${args.join(' ')} failed:\n${stdout}\n${stderr}`)
    }
  }

  /** One call of a service that speaks REST. */
  async get(service: string, path: string): Promise<any> {
    const answer = await fetch(`${this.endpoint}${path}`, { headers: this.headers(service) })
    return await answer.json()
  }

  /** One call of a service that speaks JSON. */
  async call(service: string, target: string, body: object): Promise<any> {
    const answer = await fetch(this.endpoint, {
      method: 'POST',
      headers: { ...this.headers(service), 'X-Amz-Target': target, 'Content-Type': 'application/x-amz-json-1.0' },
      body: JSON.stringify(body),
    })
    return await answer.json()
  }

  private headers(service: string): Record<string, string> {
    return { Authorization: `AWS4-HMAC-SHA256 Credential=local/20200101/${REGION}/${service}/aws4_request` }
  }

  /** Gives it back. */
  async stop(): Promise<void> {
    await ask({ do: 'return', id: this.lent.id })
  }
}
