import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { LONG } from '../draws.js'
import { millrace } from './cli.js'

const execute = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'millrace-init-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What is in npm's cache is not asked for again. */
const QUIETLY = ['--no-audit', '--no-fund', '--prefer-offline']

/** What a fresh clone has that the package is made of; `npm ci` has run in it. */
const CLONE = [
  '.npmrc',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.package.json',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'LICENSE',
  'docs',
  'examples/starter',
  'infra/constructs',
  'lib',
  'scripts/untyped.d.ts',
]

/** What was typed in a folder, and what was seen. */
async function typed(cwd: string, command: string, ...args: string[]): Promise<{ code: number; seen: string }> {
  const env = { ...process.env, CI: '', NODE_PATH: '', npm_config_pack_destination: undefined }
  const { code, stdout, stderr } = await execute(command, args, { cwd, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error) => error,
  )
  return { code, seen: stdout + stderr }
}

/** The same, where it has to work. */
async function seen(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { code, seen } = await typed(cwd, command, ...args)
  expect(code, `${command} ${args.join(' ')}\n${seen}`).toBe(0)
  return seen
}

/**
 * What this clone has installed, as hard links: npm keeps what the project asks for, removes all else, and unpacks what
 * is missing. In the long form it unpacks everything.
 */
function link(from: string, to: string): void {
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    // Caches, and what npm knows of the folder that all this is in.
    if (basename(from) === 'node_modules' && entry.name.startsWith('.') && entry.name !== '.bin') continue
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) link(source, target)
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else linkOrCopy(source, target)
  }
}

/** Temporary files may be on another disk. */
function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target)
  } catch {
    cpSync(source, target)
  }
}

const [, readme] = /```ts\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8'))!
const TARBALL = `millrace-${JSON.parse(readFileSync('package.json', 'utf8')).version}.tgz`

describe('millrace init', () => {
  it('from a clone to a project that runs, tests and synthesizes, from the packed package alone', async () => {
    const clone = join(folder, 'clone')
    for (const file of CLONE) cpSync(file, join(clone, file), { recursive: true })
    symlinkSync(resolve('node_modules'), join(clone, 'node_modules'))

    // $ npm pack: refused with the command, and nothing is there.
    const hollow = await typed(clone, 'npm', 'pack')
    expect(hollow.code).not.toBe(0)
    expect(hollow.seen).toMatch(/ENOENT.*npm pack does not build, type: npm run package/)
    expect(readdirSync(clone).filter((file) => file.endsWith('.tgz'))).toEqual([])

    // $ npm run millrace -- init ../first: builds and packs the clone.
    const first = join(folder, 'first')
    const fromClone = await seen(clone, 'npm', 'run', 'millrace', '--', 'init', first)
    expect(fromClone).toContain(`\n${TARBALL} is the package that this command ran from. Keep it with the project`)
    expect(fromClone).toContain(`\ncd ${first} && npm install && npm start\n`)
    expect(dependencyOf(first)).toBe(`file:${TARBALL}`)
    const packed = (await seen(folder, 'tar', '-tzf', join(first, TARBALL))).split('\n')
    expect(packed).toEqual(expect.arrayContaining(['package/dist/lib/index.js', 'package/dist/lib/dev/cli/main.js']))

    if (LONG) {
      // `npm run package` compiles without the types of large packages, and to the same as the build.
      await seen(clone, 'npx', 'tsc', '-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(folder, 'built'))
      await seen(folder, 'diff', '-r', 'built', join(clone, 'dist'))
    }

    // As npx has it: the package, and none of the clients that other commands use. $ npx millrace init ../shop
    const bare = join(folder, 'bare')
    mkdirSync(bare)
    await seen(bare, 'npm', 'install', ...QUIETLY, join(first, TARBALL))
    expect(existsSync(join(bare, 'node_modules', '@aws-sdk'))).toBe(false)
    const shop = join(folder, 'shop')
    await seen(bare, 'npx', '--no-install', 'millrace', 'init', shop)
    expect(dependencyOf(shop)).toBe(`file:${TARBALL}`)
    expect((await seen(folder, 'tar', '-tzf', join(shop, TARBALL))).split('\n').sort()).toEqual(packed.sort())

    // Where a registry had it, the project asks for that version; and for whatever it is told to ask for.
    const manifest = JSON.parse(readFileSync(join(bare, 'package.json'), 'utf8'))
    writeFileSync(join(bare, 'package.json'), JSON.stringify({ ...manifest, dependencies: { millrace: '^0.1.0' } }))
    const own = join(bare, 'node_modules', '.bin', 'millrace')
    const [published, other] = [join(folder, 'published'), join(folder, 'other')]
    await seen(bare, own, 'init', published)
    expect(dependencyOf(published)).toBe(`^${TARBALL.slice('millrace-'.length, -'.tgz'.length)}`)
    await seen(bare, own, 'init', other, '--millrace', 'next')
    expect(dependencyOf(other)).toBe('next')
    expect([...readdirSync(published), ...readdirSync(other)]).not.toContain(TARBALL)

    if (!LONG) link(resolve('node_modules'), join(shop, 'node_modules'))
    await seen(shop, 'npm', 'install', ...QUIETLY)
    for (const name of ['zod', 'knip', 'kafkajs'])
      expect([name, existsSync(join(shop, 'node_modules', name))]).toEqual([name, false])
    const started = await seen(shop, 'npm', 'start')
    expect(started).toContain('All input is read and every window is closed.')
    // It ends with rows.
    expect(started).toMatch(/\nrevenue: 5 rows\nkey +from +to +total +orders\n(\w+ +2026-[^\n]+\n){5}/)
    const rows = readFileSync(join(shop, '.millrace', 'shop', 'out', 'revenue.ndjson'), 'utf8')
      .trim()
      .split('\n')
    expect(rows.map((row) => JSON.parse(row)).map(({ key, value }) => [key, value.total])).toContainEqual([
      'anna',
      44.5,
    ])
    expect(await seen(shop, 'npm', 'test')).toMatch(/3 passed/)
    // And so does the pipeline of the README, as it stands there.
    writeFileSync(join(shop, 'test', 'readme.ts'), readme!)
    await checkTypes(shop)
    expect(await seen(shop, 'npm', 'run', 'cost')).toMatch(/\$\d+ per month/)
    await seen(shop, 'npm', 'run', 'synth')
    const template = JSON.parse(readFileSync(join(shop, 'cdk.out', 'shop-dev.template.json'), 'utf8'))
    const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type)
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(3)
    expect(types.filter((type) => type === 'AWS::Lambda::EventSourceMapping')).toHaveLength(1)
    const [asset] = Object.values<{ Type: string; Properties: any }>(template.Resources)
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => String(Properties.Code.S3Key).replace('.zip', ''))
    expect(existsSync(join(shop, 'cdk.out', `asset.${asset}`, 'index.mjs'))).toBe(true)
  })

  /**
   * In the short form without the stack and the test, both of which run here: their libraries have most of the types.
   */
  async function checkTypes(shop: string): Promise<void> {
    if (LONG) return void (await seen(shop, 'npm', 'run', 'types'))
    const include = ['pipeline.ts', 'functions', 'test/readme.ts']
    writeFileSync(join(shop, 'tsconfig.short.json'), JSON.stringify({ extends: './tsconfig.json', include }))
    await seen(shop, 'npx', '--no-install', 'tsc', '--noEmit', '-p', 'tsconfig.short.json')
  }

  const dependencyOf = (project: string): string =>
    JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).dependencies.millrace

  it('writes over nothing, and says what a project may be called', async () => {
    const full = join(folder, 'full')
    mkdirSync(full)
    writeFileSync(join(full, 'mine.txt'), 'mine')
    const refused = await millrace('init', full)
    expect([refused.code, refused.err]).toEqual([
      2,
      expect.stringContaining('is not empty, and init overwrites no file. Give an empty folder.'),
    ])
    const named = await millrace('init', resolve(folder, 'My Shop'))
    expect([named.code, named.err]).toEqual([
      2,
      expect.stringContaining(`the folder's name is "My Shop". Use another folder.`),
    ])
    expect(existsSync(join(folder, 'My Shop'))).toBe(false)
  })
})
