import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A folder of a test file's own, gone when its tests are over. */
export function testFolder(name: string): (...path: string[]) => string {
  const root = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  return (...path) => join(root, ...path)
}

export function writeLines(file: string, lines: readonly unknown[], end = '\n'): string {
  writeFileSync(file, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}${end}`).join(''))
  return file
}
