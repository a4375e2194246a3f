import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
/**
 * What the stack is deployed into, and what looks at its template. Pinned: they are Python's, and no lock file holds
 * them.
 */
const PACKAGES = ['moto[server]==5.2.5', 'cfn-lint==1.58.0']
const INSTALL_MS_MAX = 300_000

/** A folder of Python's tools, made once. */
export interface AwsTools {
  readonly python: string
  readonly cfnLint: string
}

/**
 * The tools; where there can be none that is said plainly, and with CI=true it is an error. `suite` is what then does
 * not run.
 */
export async function awsToolsFor(suite: string): Promise<AwsTools | undefined> {
  const tools = await awsTools()
  if (typeof tools !== 'string') return tools
  if (process.env.CI === 'true') throw new Error(`With CI=true ${suite} must run. ${tools}`)
  process.stdout.write(`\nNOT RUN: ${suite}. ${tools}\n\n`)
  return undefined
}

/** Installs the tools where they are missing. Returns them, or why there are none. */
async function awsTools(): Promise<AwsTools | string> {
  const cache = process.env.MILLRACE_CACHE ?? join(homedir(), '.cache', 'millrace')
  const folder = join(cache, `python-${PACKAGES.join('-').replaceAll(/[^\w.-]/g, '_')}`)
  const tools = { python: join(folder, 'bin', 'python'), cfnLint: join(folder, 'bin', 'cfn-lint') }
  if (existsSync(join(folder, 'done'))) return tools
  try {
    mkdirSync(cache, { recursive: true })
    rmSync(folder, { recursive: true, force: true })
    await execute('python3', ['-m', 'venv', folder])
    await execute(tools.python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { timeout: INSTALL_MS_MAX })
    mkdirSync(join(folder, 'done.part'))
    renameSync(join(folder, 'done.part'), join(folder, 'done'))
    return tools
  } catch (error) {
    return `Python 3 with venv and pip is needed: ${String((error as Error).message).split('\n')[0]}`
  }
}
