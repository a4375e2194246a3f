import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** Package registries and their pages, cut so that this file holds none of them. */
const HOSTS = [
  ['npmjs', 'org'],
  ['npmjs', 'com'],
  ['yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['npmx', 'dev'],
  ['jsr', 'io'],
  ['unpkg', 'com'],
  ['jsdelivr', 'net'],
  ['esm', 'sh'],
  ['maven', 'org'],
  ['repo', 'maven', 'apache', 'org'],
  ['mvnrepository', 'com'],
  ['pypi', 'org'],
  ['pythonhosted', 'org'],
  ['crates', 'io'],
  ['rubygems', 'org'],
  ['proxy', 'golang', 'org'],
  ['hub', 'docker', 'com'],
].map((parts) => parts.join('.'))
const ADDRESS = new RegExp(`(?<![a-z0-9-])(?:${HOSTS.join('|').replaceAll('.', '\\.')})(?![a-z0-9-]|\\.[a-z])`, 'i')

it('no file of the project holds the address of a package registry, or of a page of one', () => {
  expect(ADDRESS.test(`https://registry.${HOSTS[0]}/millrace`)).toBe(true)
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  })
    .split('\0')
    .filter((file) => file !== '' && existsSync(file))
  expect(files).toContain('package-lock.json')
  expect(files).toContain('examples/starter/README.md')
  const found = files.filter((file) => ADDRESS.test(readFileSync(file, 'latin1')))
  expect(found).toEqual([])
})

it('the lock names no place that a package comes from', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const resolved = Object.entries<{ resolved?: string }>(packages).filter(([, { resolved }]) => resolved !== undefined)
  expect(resolved).toEqual([])
})
