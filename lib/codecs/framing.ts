import { randomBytes } from 'node:crypto'

/**
 * How records are separated in a text that is parsed as one array. Parsing several records at once must never accept
 * what parsing each one alone would reject, such as `[1` and `2]`, or `{"a":1},{"b":2}`. So every separator must be
 * proved to be at the top level of the array. As the array has no other elements, the text between two separators is
 * then exactly one value. There are two such proofs.
 */

/**
 * The separator used if every record begins with '{' and the text has no '[' except its first character. A raw line
 * feed cannot be part of a string, so the comma after it is a comma of the grammar. The '{' that follows it cannot be a
 * key, so it is a comma of an array, and there is only one array. The array's length then shows that it has no other
 * commas. This variant is the faster one: V8 parses an object faster right after an object of the same shape.
 */
export const COMMA_SEPARATOR = Buffer.from('\n,', 'latin1')

/**
 * For all other records, a random word that no record can contain is inserted between two records as an element of its
 * own. It cannot be inside a string, because its quote would end the string just before the word, and it cannot be a
 * key. If every second element is the word and the length is right, each word is one that was inserted here. The choice
 * of the word never affects a result.
 */
export const WORD = randomBytes(16).toString('base64url')
export const WORD_SEPARATOR = Buffer.from(`,"${WORD}",`, 'latin1')
