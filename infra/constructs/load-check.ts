import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../lib/base/index.js'
import { VARIABLES } from '../../lib/lambda/environment.js'
import type { Bundle } from './bundle.js'

const TIMEOUT_MS = 30_000
/** The most characters of an error's message: a bundle is one line, and some errors quote it. */
const TEXT_MAX = 500
/** The folder into which Lambda unpacks a bundle. */
const TASK_ROOT = '/var/task'
/** The variables that Lambda sets, and a store that loads its client without sending a request. */
const ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'none',
  AWS_SECRET_ACCESS_KEY: 'none',
  AWS_LAMBDA_FUNCTION_NAME: 'load-check',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  [VARIABLES.state]: 'dynamodb:load-check',
}
/** Errors of network requests. The network during synthesis differs from the one of the deployed function. */
const NETWORK = /^(E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_)\w*|ENOTFOUND)$/

/** Imports the handler and reports the outcome on file descriptor 3, because user code may print to the others. */
const SCRIPT = `
import { writeSync } from 'node:fs'
const report = (outcome) => {
  writeSync(3, JSON.stringify(outcome))
  process.exit(0)
}
const fail = (error) => report({ kind: 'failed', code: String(error?.code ?? ''), text: String(error?.message ?? error) })
process.on('unhandledRejection', fail)
process.on('uncaughtException', fail)
try {
  const { handler } = await import(process.argv[1])
  report({ kind: typeof handler === 'function' ? 'loaded' : 'no-handler' })
} catch (error) {
  fail(error)
}
`

interface Outcome {
  readonly kind: 'loaded' | 'no-handler' | 'failed'
  readonly code?: string
  readonly text?: string
}

/**
 * Loads a bundle once, as Lambda does: in a process of its own, in a folder with no packages above it. So a missing
 * package or file is found here, and not at the first cold start.
 * @returns why the check is inconclusive, or undefined if the bundle loads
 * @throws {ConfigError} `bad-bundle`, with the module that cannot be loaded and the file that imports it
 */
export function checkLoads(entry: string, { directory, metafile }: Bundle): string | undefined {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-load-')))
  try {
    cpSync(directory, root, { recursive: true })
    const { output, error } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', SCRIPT, join(root, 'index.mjs')],
      {
        cwd: root,
        env: { PATH: process.env.PATH ?? '', TMPDIR: tmpdir(), LAMBDA_TASK_ROOT: root, ...ENVIRONMENT },
        stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
        encoding: 'utf8',
      },
    )
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT')
      return `${entry} did not load within ${TIMEOUT_MS / 1000} s: code outside of the handler is waiting. Lambda allows 10 s for it.`
    const outcome = outcomeIn(output?.[3])
    const text = (outcome.text ?? '').replaceAll(root, TASK_ROOT).replace(/\s+/g, ' ').slice(0, TEXT_MAX)
    if (outcome.kind === 'loaded') return undefined
    if (outcome.kind === 'no-handler')
      throw new ConfigError(
        'bad-bundle',
        `${entry} exports no handler. Write: export const handler = ingest(pipeline, …).`,
      )
    if (NETWORK.test(outcome.code ?? ''))
      return `${entry} uses the network while it loads, and got no answer here: ${text}`
    throw new ConfigError(
      'bad-bundle',
      `${entry} was bundled, but it cannot be loaded in ${TASK_ROOT}: ${text}${wantedBy(text, metafile)} ${fixOf(outcome)}`,
    )
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function outcomeIn(text: string | null | undefined): Outcome {
  try {
    return JSON.parse(text ?? '') as Outcome
  } catch {
    return { kind: 'failed', text: 'the code ends its process' }
  }
}

/** The files of the bundle that import the missing package. */
function wantedBy(text: string, { inputs }: Bundle['metafile']): string {
  const missing = /Cannot find (?:package|module) '([^']+)'/.exec(text)?.[1]
  const files = Object.keys(inputs).filter((file) => inputs[file]!.imports.some(({ path }) => path === missing))
  return files.length === 0 ? '.' : `, imported by ${files.slice(0, 3).join(', ')}.`
}

function fixOf({ code, text = '' }: Outcome): string {
  if (/\.node\b/.test(text) || code === 'ERR_DLOPEN_FAILED')
    return 'A native module is built for one machine and is not part of a bundle. Use a package without one.'
  if (code === 'ENOENT' || code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')
    return 'Give files that the code reads as assets: ["file"]. Import a package by a literal name, so that it is bundled.'
  return 'Fix the code that runs while it loads.'
}
