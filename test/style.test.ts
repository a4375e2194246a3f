import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const files = readdirSync('lib', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('lib', file))
const saying = (pattern: RegExp): string[] =>
  files.filter((file) => pattern.test(readFileSync(file, 'utf8').replace(/\/\*\*?[\s\S]*?\*\/|\/\/.*$/gm, '')))

describe('style', () => {
  it('the clock and randomness live in one file each', () => {
    expect(saying(/Date\.now\(|new Date\(\)|randomUUID/)).toEqual(['lib/observe/system.ts'])
    expect(saying(/Math\.random\(/)).toEqual([])
  })

  it('nothing prints but through a port, or in the CLI', () => {
    expect(saying(/console\./)).toEqual([])
  })

  it('invariant 8: the runtime waits for all calls before it handles a failure, so none changes what it shares later', () => {
    expect(saying(/Promise\.(all|race|any)\(/).filter((file) => file.startsWith('lib/runtime/'))).toEqual([])
  })

  it('files stay within 350 lines', () => {
    expect(files.filter((file) => readFileSync(file, 'utf8').split('\n').length > 350)).toEqual([])
  })

  it('every room says what it is for', () => {
    const rooms = readdirSync('lib', { withFileTypes: true }).filter((entry) => entry.isDirectory())
    for (const room of rooms) expect(readdirSync(join('lib', room.name)), room.name).toContain('README.md')
  })

  it('comments and documents stay within 120 columns', () => {
    const wide = (file: string, isProse: (line: string) => boolean): string[] =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, i) => (line.length > 120 && isProse(line) && !line.includes('://') ? [`${file}:${i + 1}`] : []))
    const found = ['lib', 'infra', 'functions', 'examples', 'bench', 'scripts', 'test', 'docs', '.'].flatMap((folder) =>
      readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' })
        .map((file) => join(folder, file))
        .filter((file) => !/node_modules|\.millrace|cdk\.out/.test(file))
        .flatMap((file) => {
          // An example is code, as are tables and blocks to their readers.
          if (file.endsWith('.ts')) return wide(file, (line) => /^\s*(\*|\/\/|\/\*\*)(?!.*@example)/.test(line))
          return file.endsWith('.md') ? wide(file, (line) => !/^\s*[|`#]|^ {4}/.test(line)) : []
        }),
    )
    expect(found).toEqual([])
  })

  it('every invariant is cited by a test', () => {
    const tests = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'))
    const text = tests.map((file) => readFileSync(join('test', file), 'utf8')).join('\n')
    for (let number = 1; number <= 14; number++)
      expect(text, `invariant ${number}`).toMatch(new RegExp(`\\binvariants? (?:\\d+, )*${number}\\b`))
  })
})
