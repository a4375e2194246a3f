import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { missingFiles, nextVersion, released, strayFiles, unreleased } from '../../scripts/release-rules.js'

describe('the version of a release', () => {
  it.each([
    ['0.1.0', undefined, [], '0.1.0'],
    ['0.1.0', 'patch', ['v0.1.0'], '0.1.1'],
    ['0.1.9', 'minor', ['v0.1.9'], '0.2.0'],
    ['0.9.9', 'major', ['v0.9.9'], '1.0.0'],
    ['0.9.0', '0.10.0', ['v0.9.0', 'v0.8.0'], '0.10.0'],
  ])('after %s, by %s, with the tags %j, is %s', (current, bump, tags, next) => {
    expect(nextVersion(current, bump, tags)).toBe(next)
  })

  it.each([
    [
      '0.1.0',
      undefined,
      ['v0.1.0'],
      '0.1.0 is not later than v0.1.0, which is tagged: give patch, minor, major or a later version',
    ],
    [
      '0.9.0',
      '0.9.1',
      ['v0.10.0'],
      '0.9.1 is not later than v0.10.0, which is tagged: give patch, minor, major or a later version',
    ],
    ['0.2.0', '0.1.0', [], '0.1.0 is not later than 0.2.0, the version of package.json'],
    ['0.2.0', 'v0.3.0', [], 'a version must be X.Y.Z, or patch, minor or major; it is v0.3.0'],
    ['0.2.0', '0.03.0', [], 'a version must be X.Y.Z, or patch, minor or major; it is 0.03.0'],
  ])('after %s, by %s, with the tags %j, is refused', (current, bump, tags, message) => {
    expect(() => nextVersion(current, bump, tags)).toThrow(message)
  })
})

describe('the changelog', () => {
  const changelog =
    '# Changelog\n\n## Unreleased\n\n- new\n\n## 0.2.0 - 2026-01-02\n\n### Added\n\n- two\n\n## 0.1.0 - 2026-01-01\n\n- one\n'
  it('has a section a version, and one of what is to come', () => {
    expect(unreleased(changelog)).toBe('- new')
    expect(released(changelog, '0.2.0')).toBe('### Added\n\n- two')
    expect(released(changelog, '0.1.0')).toBe('- one')
    expect(released(changelog, '0.1')).toBe('')
    expect(unreleased('# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2026-01-01\n\n- one\n')).toBe('')
  })

  it('of this tree says what this version is, released or not', () => {
    const text = readFileSync('CHANGELOG.md', 'utf8')
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(unreleased(text) + released(text, version)).not.toBe('')
  })
})

describe('what is packed', () => {
  const manifest = {
    version: '0.1.0',
    bin: { millrace: './dist/lib/dev/cli/main.js' },
    exports: {
      '.': { types: './dist/lib/index.d.ts', default: './dist/lib/index.js' },
      './package.json': './package.json',
    },
  }
  const files = [
    'package.json',
    'README.md',
    'CHANGELOG.md',
    'SECURITY.md',
    'LICENSE',
    'dist/lib/index.js',
    'dist/lib/index.d.ts',
    'dist/lib/dev/cli/main.js',
    'docs/deploy.md',
    'examples/starter/data/orders.ndjson',
  ]

  it('is all that package.json names, and nothing else', () => {
    expect(missingFiles(manifest, files)).toEqual([])
    expect(strayFiles(files)).toEqual([])
    expect(
      missingFiles(
        manifest,
        files.filter((file) => !file.startsWith('dist/')),
      ),
    ).toEqual(['./dist/lib/dev/cli/main.js', './dist/lib/index.d.ts', './dist/lib/index.js'])
    const stray = [
      'dist/test/cli.js',
      'test/cli.ts',
      '.npmrc',
      'docs/notes.txt',
      'millrace-0.1.0.tgz',
      'dist/lib/index.js.map',
    ]
    expect(strayFiles([...files, ...stray])).toEqual(stray)
  })
})
