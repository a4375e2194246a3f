/** Where the documentation is: package.json's `repository`, of which a test says so. */
export const DOCS = 'https://github.com/millrace/millrace/blob/main/docs'

/**
 * The address of a page, `deploy` for docs/deploy.md, and of a section in it by its anchor. A test holds that both
 * exist.
 */
export function docsUrl(page: string, anchor?: string): string {
  return `${DOCS}/${page}.md${anchor === undefined ? '' : `#${anchor}`}`
}
