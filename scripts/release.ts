import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Manifest, missingFiles, nextVersion, released, strayFiles, unreleased } from './release-rules.js'

/**
 * A release has two steps, and both run all checks first. The first writes version and changelog, commits and tags. The
 * second publishes the tagged commit, in a CI job that can prove its identity. With --dry-run nothing is written,
 * committed or published.
 */
const USAGE = `npm run release -- [patch | minor | major | X.Y.Z] [--dry-run]   checks, then writes the version and the changelog, commits and tags
npm run release -- --publish [--dry-run]                         checks, then publishes the tagged version: in CI, with provenance
The default version is that of package.json, if it has no tag yet.
`

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** The output of a command; if the command fails, so does the release. */
function output(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`)
  return stdout.trim()
}

/** Runs a command that prints its own output. */
function run(env: NodeJS.ProcessEnv, command: string, ...args: string[]): void {
  say(`\n$ ${command} ${args.join(' ')}`)
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} fails`)
}

const readManifest = (): Manifest => JSON.parse(readFileSync('package.json', 'utf8'))

/** Whether this job can prove its identity to the registry: with GitHub's token, or GitLab's. */
function hasIdentity({ ACTIONS_ID_TOKEN_REQUEST_URL: github, SIGSTORE_ID_TOKEN: gitlab }: NodeJS.ProcessEnv): boolean {
  return (github ?? gitlab ?? '') !== ''
}

interface Wanted {
  readonly bump: string | undefined
  readonly isDry: boolean
  readonly isPublish: boolean
}

/** All conditions of a release, in words. A dry run lists every failed check; a release ends at the first. */
class Checks {
  readonly failures: string[] = []
  private readonly isDry: boolean

  constructor(isDry: boolean) {
    this.isDry = isDry
  }

  holds(what: string, isTrue: boolean, fix: string): void {
    say(`${isTrue ? 'ok  ' : 'FAIL'}  ${what}${isTrue ? '' : `: ${fix}`}`)
    if (isTrue) return
    if (!this.isDry) throw new Error(`${what}: ${fix}`)
    this.failures.push(what)
  }
}

function release({ bump, isDry, isPublish }: Wanted): void {
  const checks = new Checks(isDry)
  const manifest = readManifest()
  const tags = output('git', 'tag', '--list', 'v*').split('\n').filter(Boolean)
  const version = isPublish ? manifest.version : nextVersion(manifest.version, bump, tags)
  const tag = `v${version}`
  say(`millrace ${version}${isDry ? ', a dry run: nothing is written or published' : ''}\n`)

  const dirt = output('git', 'status', '--porcelain')
  checks.holds('the working tree is clean', dirt === '', `commit or stash first:\n${dirt}`)
  if (isPublish) {
    const here = output('git', 'tag', '--points-at', 'HEAD').split('\n')
    checks.holds(
      `HEAD is tagged ${tag}`,
      here.includes(tag),
      'run npm run release without --publish first, and push its tag',
    )
  } else {
    const branch = output('git', 'rev-parse', '--abbrev-ref', 'HEAD')
    checks.holds('the branch is main', branch === 'main', `this is ${branch}`)
    checks.holds(`${tag} is not tagged`, !tags.includes(tag), 'give patch, minor, major or a later version')
  }

  const changelog = readFileSync('CHANGELOG.md', 'utf8')
  const notes = isPublish ? released(changelog, version) : unreleased(changelog)
  checks.holds(
    'CHANGELOG.md describes the changes',
    notes !== '',
    isPublish ? `it has no section "## ${version}"` : 'its section "## Unreleased" is empty',
  )
  if (notes !== '') say(notes.replace(/^/gm, '      '))

  const { publishConfig, repository } = manifest
  checks.holds(
    'publishConfig sets provenance and public access',
    publishConfig?.provenance === true && publishConfig.access === 'public',
    'package.json needs "publishConfig": { "access": "public", "provenance": true }',
  )
  checks.holds(
    'package.json names the repository, which provenance is checked against',
    repository?.url !== undefined,
    'package.json needs "repository"',
  )
  checks.holds('the package is not private', manifest.private !== true, 'remove "private" from package.json')

  // A dry run leaves the tests to `npm run verify`; a release runs them.
  const steps = isDry ? ['types', 'package', 'package types'] : []
  run({}, 'npm', 'run', 'build')
  run({ LONG: isDry ? '' : '1' }, 'npx', '--no-install', 'tsx', 'scripts/verify.ts', ...steps)
  say('')
  const [packed] = JSON.parse(output('npm', 'pack', '--dry-run', '--json', '--ignore-scripts'))
  const files: string[] = packed.files.map(({ path }: { path: string }) => path)
  const missing = missingFiles(manifest, files)
  checks.holds('every file that package.json names is packed', missing.length === 0, `missing: ${missing.join(', ')}`)
  const stray = strayFiles(files)
  checks.holds('nothing else is packed', stray.length === 0, stray.join(', '))
  say(
    `      ${files.length} files, ${Math.round(packed.size / 1024)} KB packed, ${Math.round(packed.unpackedSize / 1024)} KB unpacked`,
  )
  if (isPublish)
    checks.holds(
      'this job can prove its identity',
      hasIdentity(process.env),
      'publish from a CI job that may request an identity token',
    )
  else if (isDry)
    say(
      `      publishing needs a CI job that may request an identity token; this job ${hasIdentity(process.env) ? 'can' : 'cannot'}`,
    )

  if (checks.failures.length > 0) throw new Error(`${checks.failures.length} of the checks failed`)
  if (isDry) {
    say(`\nAll checks passed. ${isPublish ? 'It would publish' : 'It would write, commit and tag'} ${version}.`)
    return
  }
  if (isPublish) run({}, 'npm', 'publish', '--provenance', '--access', 'public')
  else prepare(changelog, manifest.version, version, tag)
}

function prepare(changelog: string, from: string, version: string, tag: string): void {
  const today = new Date().toISOString().slice(0, 10)
  writeFileSync('CHANGELOG.md', changelog.replace('## Unreleased\n', `## Unreleased\n\n## ${version} - ${today}\n`))
  if (from !== version) run({}, 'npm', 'version', version, '--no-git-tag-version')
  run(
    {},
    'git',
    'commit',
    '--quiet',
    '-m',
    `build: release ${version}`,
    'CHANGELOG.md',
    'package.json',
    'package-lock.json',
  )
  run({}, 'git', 'tag', '-a', tag, '-m', version)
  say(`\n${tag} is committed and tagged. Next, run: git push --follow-tags, and npm run release -- --publish in CI.`)
}

function main(args: string[]): void {
  const { values, positionals } = parseArgs({
    args,
    options: { 'dry-run': { type: 'boolean', default: false }, publish: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  if (positionals.length > 1)
    throw new Error(`give one version, or patch, minor or major; the arguments are ${positionals.join(' ')}`)
  if (values.publish && positionals.length > 0)
    throw new Error('--publish accepts no version: it publishes the tagged version')
  release({ bump: positionals[0], isDry: values['dry-run'], isPublish: values.publish })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`\n${(error as Error).message}\n\n${USAGE}`)
    process.exitCode = 1
  }
}
