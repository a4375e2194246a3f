import { stripVTControlCharacters } from 'node:util'

const COLUMNS = 80

/** The width of the terminal; without a terminal, the value of COLUMNS, or 80. */
export function columnsOf(out: { readonly columns?: number } = process.stdout): number {
  return out.columns || Number(process.env.COLUMNS) || COLUMNS
}

export const lengthOf = (text: string): number => stripVTControlCharacters(text).length

/** A text in lines of at most `width`, wrapped between words; a word that is longer is split. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length <= width) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    line = word
    for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width))
  }
  return [...lines, line]
}

/**
 * Wraps lines that are too wide between words, and indents the continuation lines. A word stays whole, because it may
 * be a path or an address.
 */
export function fitText(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => (lengthOf(line) <= width ? [line] : fitLine(line, width)))
    .join('\n')
}

function fitLine(line: string, width: number): string[] {
  const own = /^ */.exec(line)![0].length
  // Text beside a label, such as the files of results, stays aligned beside it.
  const label = /^\S+ {2,}/.exec(stripVTControlCharacters(line))?.[0].length
  const indent = ' '.repeat(Math.min(label ?? own + 2, Math.floor(width / 3)))
  const lines: string[] = []
  let current = ''
  for (const word of line.trimStart().split(' ')) {
    if (current === '') current = `${lines.length === 0 ? line.slice(0, own) : indent}${word}`
    else if (lengthOf(current) + 1 + lengthOf(word) <= width) current += ` ${word}`
    else {
      lines.push(current.trimEnd())
      current = `${indent}${word}`
    }
  }
  return [...lines, current]
}
