/** Where the documentation is. A test compares it with `repository` in package.json. */
export const DOCS = 'https://github.com/millrace/millrace/blob/main/docs'

/**
 * The address of a page (`deploy` for docs/deploy.md) and, by its anchor, of a section in it. A test checks that both
 * exist.
 */
export function docsUrl(page: string, anchor?: string): string {
  return `${DOCS}/${page}.md${anchor === undefined ? '' : `#${anchor}`}`
}
