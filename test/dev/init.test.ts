import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { millrace } from './cli.js'

const execute = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'millrace-init-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What is in npm's cache is not asked for again. */
const QUIETLY = ['--no-audit', '--no-fund', '--prefer-offline']

/** The package as npm would publish it, built beside the tree: other tests read its dist. That its types hold is checked where it is built for good. */
async function pack(): Promise<string> {
  const tree = join(folder, 'package')
  mkdirSync(tree)
  for (const file of ['package.json', 'README.md', 'LICENSE']) cpSync(file, join(tree, file))
  cpSync('examples/starter', join(tree, 'examples', 'starter'), { recursive: true })
  await execute(process.execPath, [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
    '--noCheck',
    '--outDir',
    join(tree, 'dist'),
  ])
  const { stdout } = await execute('npm', ['pack', '--silent'], { cwd: tree })
  return join(tree, stdout.trim().split('\n').at(-1)!)
}

describe('millrace init', () => {
  it('writes a project that runs, tests and synthesizes from the packed package alone', async () => {
    const tarball = await pack()
    const shop = join(folder, 'shop')
    // As npx has it: the package, and none of the clients that other commands use.
    const bare = join(folder, 'bare')
    mkdirSync(bare)
    await execute('npm', ['install', ...QUIETLY, '--prefix', bare, tarball])
    expect(existsSync(join(bare, 'node_modules', '@aws-sdk'))).toBe(false)
    const { stdout } = await execute(join(bare, 'node_modules', '.bin', 'millrace'), [
      'init',
      shop,
      '--millrace',
      `file:${tarball}`,
    ])
    expect(stdout).toContain('npm install && npm start')
    const run = async (command: string, ...args: string[]): Promise<string> => {
      const { stdout, stderr } = await execute(command, args, {
        cwd: shop,
        env: { ...process.env, CI: '', NODE_PATH: '' },
      })
      return stdout + stderr
    }
    await run('npm', 'install', ...QUIETLY)
    const started = await run('npm', 'start')
    expect(started).toContain('All input is counted and every window is closed.')
    // It ends with rows.
    expect(started).toMatch(/\nrevenue: 5 rows\nkey +from +to +total +orders\n(\w+ +2026-[^\n]+\n){5}/)
    const rows = readFileSync(join(shop, '.millrace', 'shop', 'out', 'revenue.ndjson'), 'utf8')
      .trim()
      .split('\n')
    expect(rows.map((row) => JSON.parse(row)).map(({ key, value }) => [key, value.total])).toContainEqual([
      'anna',
      44.5,
    ])
    expect(await run('npm', 'test')).toMatch(/2 passed/)
    await run('npm', 'run', 'types')
    expect(await run('npm', 'run', 'cost')).toMatch(/\$\d+ a month/)
    await run('npm', 'run', 'synth')
    const template = JSON.parse(readFileSync(join(shop, 'cdk.out', 'shop-dev.template.json'), 'utf8'))
    const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type)
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(3)
    expect(types.filter((type) => type === 'AWS::Lambda::EventSourceMapping')).toHaveLength(1)
    const [asset] = Object.values<{ Type: string; Properties: any }>(template.Resources)
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => String(Properties.Code.S3Key).replace('.zip', ''))
    expect(existsSync(join(shop, 'cdk.out', `asset.${asset}`, 'index.mjs'))).toBe(true)
  })

  it('writes over nothing, and says what a project may be called', async () => {
    const full = join(folder, 'full')
    mkdirSync(full)
    writeFileSync(join(full, 'mine.txt'), 'mine')
    const refused = await millrace('init', full)
    expect([refused.code, refused.err]).toEqual([
      2,
      expect.stringContaining('is not empty, and nothing in it is written over. Give an empty one.'),
    ])
    const named = await millrace('init', resolve(folder, 'My Shop'))
    expect([named.code, named.err]).toEqual([
      2,
      expect.stringContaining('the folder is called "My Shop". Give another one.'),
    ])
    expect(existsSync(join(folder, 'My Shop'))).toBe(false)
  })
})
