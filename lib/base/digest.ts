import { createHash } from 'node:crypto'

/** 128 bits. */
const HEX_DIGITS = 32

/**
 * The first half of SHA-256 in hex, for fingerprints and for names that are too long: no two texts meet, so what is
 * kept under a digest is never taken for something else. Over UTF-16 units, as all lone surrogates are one text in
 * UTF-8.
 */
export function digest(text: string): string {
  return createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('hex').slice(0, HEX_DIGITS)
}
