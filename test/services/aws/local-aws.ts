import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { AwsTools } from './tools.js'

const execute = promisify(execFile)
const SERVER = fileURLToPath(new URL('server.py', import.meta.url))
const START_MS_MAX = 60_000
export const ACCOUNT = '123456789012'
export const REGION = 'eu-west-1'

/** An AWS of this machine's own, into which the CDK deploys. */
export class LocalAws {
  /** Types of the stack that it does not know, by `TYPE`. */
  readonly inert = new Set<string>()
  readonly endpoint: string
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    // By name: the server takes a number for the name of a bucket.
    this.endpoint = `http://localhost:${port}`
    createInterface(child.stdout!).on('line', (line) => {
      const [word, type] = line.split(' ')
      if (word === 'INERT') this.inert.add(type!)
    })
  }

  static async start({ python }: AwsTools): Promise<LocalAws> {
    const port = await freePort()
    const child = spawn(python, [SERVER, '-H', '127.0.0.1', '-p', String(port)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const aws = new LocalAws(child, port)
    for (const until = performance.now() + START_MS_MAX; performance.now() < until; await sleep(200)) {
      if (child.exitCode !== null) break
      if (
        await fetch(`${aws.endpoint}/moto-api/data.json`).then(
          (answer) => answer.ok,
          () => false,
        )
      )
        return aws
    }
    child.kill('SIGKILL')
    throw new Error('the local AWS has not started')
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

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await gone
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
