import { randomBytes } from 'node:crypto'

/**
 * How records are parted in a text that is parsed as one array. Parsing at once must never accept what parsing alone
 * would not, such as `[1` and `2]`, or `{"a":1},{"b":2}`. So each separator must be proved to stand at the top level of
 * the array; as there are no other elements, what lies between two of them is then exactly one value. There are two
 * such proofs.
 */

/**
 * Where every record begins with '{' and the text has no '[' but its first letter: a raw line feed cannot lie in a
 * string, so the comma after it is a comma of the grammar. After it comes '{', which is no key, so it is a comma of an
 * array, and there is only the one. The array's length then shows that it has no other commas. This is the quick one:
 * V8 parses an object faster right after its like.
 */
export const COMMA_SEPARATOR = Buffer.from('\n,', 'latin1')

/**
 * For all other records, a word that none of them can know stands between two as an element of its own. It cannot lie
 * in a string, which its quote would end just before the word, and it is no key. Where every second element is the
 * word, and the length is right, each is one of ours. Which word it is changes no result.
 */
export const WORD = randomBytes(16).toString('base64url')
export const WORD_SEPARATOR = Buffer.from(`,"${WORD}",`, 'latin1')
