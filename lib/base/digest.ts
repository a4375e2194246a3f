import { createHash } from 'node:crypto'

/** 128 bits. */
const HEX_DIGITS = 32

/**
 * The first half of SHA-256 in hex, for fingerprints and for names that are too long. Collisions are not expected in
 * practice, so the digest can stand for the text. The hash covers UTF-16 units, because UTF-8 would encode all lone
 * surrogates alike.
 */
export function digest(text: string): string {
  return createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('hex').slice(0, HEX_DIGITS)
}
