import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DOCS } from '../../lib/base/docs.js'
import { docsUrl } from '../../lib/base/index.js'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const sources = ['lib', 'infra', 'examples', 'functions'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .map((file) => join(folder, file)),
)

/** The anchors that GitHub gives a page's headings. */
function anchorsOf(page: string): string[] {
  return [...readFileSync(`docs/${page}.md`, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('addresses of the documentation', () => {
  it('are those of the package', () => {
    const home = 'https://github.com/millrace/millrace'
    expect(DOCS).toBe(`${home}/blob/main/docs`)
    expect(manifest).toMatchObject({
      homepage: `${home}#readme`,
      bugs: `${home}/issues`,
      repository: { url: `git+${home}.git` },
    })
    expect(docsUrl('deploy')).toBe(`${DOCS}/deploy.md`)
    expect(docsUrl('deploy', 'runbook')).toBe(`${DOCS}/deploy.md#runbook`)
  })

  it('name pages and sections that exist', () => {
    const named = sources.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/docsUrl\('([^']+)'(?:, '([^']+)')?/g)].map(([, page, anchor]) => ({
        file,
        page: page!,
        anchor,
      })),
    )
    expect(named.length).toBeGreaterThan(0)
    for (const { file, page, anchor } of named)
      if (anchor !== undefined) expect(anchorsOf(page), `${file} names ${page}#${anchor}`).toContain(anchor)
      else expect(anchorsOf(page).length, `${file} names ${page}`).toBeGreaterThan(0)
  })

  it('are what messages give, and no paths of this repository', () => {
    for (const file of sources)
      for (const [at, line] of readFileSync(file, 'utf8').split('\n').entries())
        if (!/^\s*(\/?\*|\/\/)/.test(line)) expect(line, `${file}:${at + 1}`).not.toMatch(/\bdocs\/\w+\.md|README\.md/)
  })
})
